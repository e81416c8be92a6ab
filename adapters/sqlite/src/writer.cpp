#include "writer.hpp"

#include <utility>

#include "headrace/base/futex.hpp"

namespace headrace::sqlite {

Writer::Writer(std::unique_ptr<WriteSession> session, const SqliteOptions& options,
               std::function<void(EventPosition)> committed)
    : group_max_(options.group_requests_max),
      queue_max_(options.queue_requests_max),
      file_(options.file.string()),
      committed_(std::move(committed)),
      session_(std::move(session)),
      thread_([this] { loop(); }) {}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  turn_.notify_one();
  thread_.join();
}

std::shared_ptr<Writer::Group> Writer::enqueue(WriteJob& job, Lead& lead) {
  const std::lock_guard lock(mutex_);
  if (waiting_ >= queue_max_) return nullptr;
  if (queue_.empty() || queue_.back()->jobs.size() >= group_max_) queue_.push_back(std::make_shared<Group>());
  ++waiting_;
  queue_.back()->jobs.push_back(std::move(job));
  lead = writing_ ? Lead::others : Lead::mine;
  writing_ = true;
  return queue_.back();
}

Error Writer::queue_full() const {
  return {"append: " + std::to_string(queue_max_) + " requests wait for the disk already", file_,
          Error::Retry::maybe};
}

void Writer::submit(WriteJob job) {
  Lead lead = Lead::others;
  if (!enqueue(job, lead)) return job.done(queue_full());
  if (lead == Lead::mine) hand_over();
}

Status Writer::run(Change change, WriteJob::Undo undo) {
  Status status = Nothing{};
  WriteJob job{std::move(change), [&status](const Status& answer) { status = answer; }, undo};
  Lead lead = Lead::others;
  const std::shared_ptr<Group> group = enqueue(job, lead);
  if (!group) return queue_full();
  if (lead == Lead::mine) {
    // Nobody was writing, so nothing waited: the first group is this job's.
    commit_group(*take_group());
    hand_over();
  } else {
    // Not std::atomic's wait(), which yields four times before it sleeps: a commit takes longer than that, and the
    // yields were most of the system calls (docs/experiments.md).
    while (group->answered.load(std::memory_order_acquire) == 0) {  // A1 <- D1  the answer stands in status
      static_cast<void>(futex_wait(&group->answered, 0, kNoDeadline));
    }
  }
  return status;
}

std::shared_ptr<Writer::Group> Writer::take_group() {
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return nullptr;
  auto group = std::move(queue_.front());
  queue_.pop_front();
  waiting_ -= group->jobs.size();
  return group;
}

void Writer::hand_over() {
  {
    const std::lock_guard lock(mutex_);
    writing_ = !queue_.empty();
    thread_turn_ = writing_;
    if (!writing_) return;
  }
  turn_.notify_one();
}

void Writer::loop() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      turn_.wait(lock, [this] { return thread_turn_ || closing_; });
      if (!thread_turn_) return;
      thread_turn_ = false;
    }
    while (const auto group = take_group()) commit_group(*group);
    hand_over();
  }
}

void Writer::commit_group(Group& group) {
  answers_.assign(group.jobs.size(), Nothing{});
  Status done = stopped_ ? Status{*stopped_} : run_group(group);
  if (done) done = session_->commit();
  if (!done && !stopped_) {
    // Rolling back touches the disk no more than reading does; what was not acknowledged may go.
    const bool disk_failed = session_->disk_failed();
    session_->rollback();
    if (disk_failed) stop_for_good(done.error());
  }
  if (done) committed_(session_->last_position());
  answer(group, done);
  if (done) {
    // The log grows when this cannot be done, and is safe: only a disk that fails is a reason to stop.
    if (auto moved = session_->checkpoint_if_long(); !moved) stop_for_good(moved.error());
  }
}

Status Writer::run_group(Group& group) {
  if (auto begun = session_->begin(); !begun) return begun;
  for (std::size_t at = 0; at < group.jobs.size(); ++at) {
    WriteJob& job = group.jobs[at];
    answers_[at] = job.undo == WriteJob::Undo::alone ? session_->run_alone(job.run) : job.run(*session_);
    if (session_->must_roll_back()) {
      // Whoever ran the job may have swallowed the error; the file has not.
      if (answers_[at]) answers_[at] = Error{"a change failed and was undone", file_};
      return error_for_others(answers_[at].error());
    }
  }
  return Nothing{};
}

/// Of those in the group of a job that failed: nothing of theirs is stored, and without it they may succeed.
Error Writer::error_for_others(const Error& error) const {
  if (session_->disk_failed() || error.retry == Error::Retry::maybe) return error;
  return {"another change of the same commit failed and undid this one (" + error.what + ")", file_,
          Error::Retry::maybe};
}

void Writer::answer(Group& group, const Status& status) {
  for (std::size_t at = 0; at < group.jobs.size(); ++at) {
    group.jobs[at].done(status || !answers_[at] ? answers_[at] : status);
  }
  group.answered.store(1, std::memory_order_release);  // D1 -> A1
  futex_wake_all(&group.answered);
}

void Writer::stop_for_good(const Error& error) {
  stopped_ =
      Error{error.what + "; the store has stopped. Open it anew, and append again what was not acknowledged",
            error.where, Error::Retry::no};
  session_->abandon();
}

}  // namespace headrace::sqlite
