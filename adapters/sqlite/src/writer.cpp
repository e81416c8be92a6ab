#include "writer.hpp"

#include <algorithm>
#include <iterator>
#include <semaphore>
#include <utility>

namespace headrace::sqlite {

Writer::Writer(std::unique_ptr<WriteSession> session, const SqliteOptions& options,
               std::function<void(EventPosition)> committed)
    : group_max_(options.group_requests_max),
      queue_max_(options.queue_requests_max),
      committed_(std::move(committed)),
      session_(std::move(session)),
      thread_([this] { loop(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  arrived_.notify_one();
  thread_.join();
}

void Writer::submit(WriteJob job) {
  bool refused = false;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    refused = queue_.size() >= queue_max_;
    first = queue_.empty();
    if (!refused) queue_.push_back(std::move(job));
  }
  if (refused) {
    job.done(Error{"append: " + std::to_string(queue_max_) + " requests wait for the disk already",
                   session_->connection().file(), Error::Retry::maybe});
  } else if (first) {
    arrived_.notify_one();
  }
}

Status Writer::run(std::function<Status(WriteSession&)> change, WriteJob::Undo undo) {
  struct {
    std::binary_semaphore answered{0};
    Status status{Nothing{}};
  } wait;
  submit({std::move(change),
          [&wait](const Status& status) {
            wait.status = status;
            wait.answered.release();
          },
          undo});
  wait.answered.acquire();
  return wait.status;
}

void Writer::loop() {
  while (take_group()) commit_group();
}

bool Writer::take_group() {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [this] { return closing_ || !queue_.empty(); });
  if (queue_.size() <= group_max_) {
    std::swap(group_, queue_);
  } else {
    const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(group_max_);
    group_.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
  }
  return !group_.empty();
}

void Writer::commit_group() {
  answers_.assign(group_.size(), Nothing{});
  Status done = stopped_ ? Status{*stopped_} : run_group();
  if (done) done = session_->commit();
  if (!done && !stopped_) {
    // Rolling back touches the disk no more than reading does; what was not acknowledged may go.
    const bool disk_failed = session_->disk_failed();
    session_->rollback();
    if (disk_failed) stop_for_good(done.error());
  }
  if (done) committed_(session_->last_position());
  answer(done);
  if (done) {
    // The log grows when this cannot be done, and is safe: only a disk that fails is a reason to stop.
    if (auto moved = session_->checkpoint_if_long(); !moved) stop_for_good(moved.error());
  }
}

Status Writer::run_group() {
  if (auto begun = session_->begin(); !begun) return begun;
  for (std::size_t at = 0; at < group_.size(); ++at) {
    WriteJob& job = group_[at];
    answers_[at] = job.undo == WriteJob::Undo::alone ? run_alone(job) : job.run(*session_);
    if (session_->must_roll_back()) {
      // Whoever ran the job may have swallowed the error; the file has not.
      return answers_[at] ? Error{"a change failed and was undone", session_->connection().file()} : answers_[at];
    }
  }
  return Nothing{};
}

Status Writer::run_alone(WriteJob& job) {
  Connection& connection = session_->connection();
  if (auto marked = connection.run("SAVEPOINT job"); !marked) return marked;
  Status done = job.run(*session_);
  if (session_->must_roll_back()) return done;
  if (!done) {
    if (auto undone = connection.run("ROLLBACK TO job"); !undone) return undone;
    if (auto looked = session_->look_again(); !looked) return looked;
  }
  if (auto released = connection.run("RELEASE job"); !released) return released;
  return done;
}

void Writer::answer(const Status& group) {
  for (std::size_t at = 0; at < group_.size(); ++at) group_[at].done(group ? answers_[at] : group);
  group_.clear();
}

void Writer::stop_for_good(const Error& error) {
  stopped_ =
      Error{error.what + "; the store has stopped. Open it anew, and append again what was not acknowledged",
            error.where, Error::Retry::no};
  session_->abandon();
}

}  // namespace headrace::sqlite
