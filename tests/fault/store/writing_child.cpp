#include "writing_child.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>
#include <utility>

namespace headrace::test {

void append_from_one_thread(EventStore& store, std::uint32_t writer, int pipe, Honesty honesty) {
  auto version = store.stream("left-" + std::to_string(writer))->version;
  for (;;) {
    const AppendRequest request = pair_of_events(writer, ExpectedVersion::exact(version));
    const Acknowledged one{writer, static_cast<std::uint32_t>(++version),
                           request.streams[0].events[0].envelope.id};
    if (honesty == Honesty::acknowledges_before) say(pipe, one);
    const auto receipt = store.append(request);
    if (!receipt || receipt->outcome != AppendOutcome::appended) ::_exit(2);
    if (honesty == Honesty::acknowledges_when_stored) say(pipe, one);
  }
}

// Shorter than PIPE_BUF: written whole or not at all.
void say(int pipe, const Acknowledged& one) {
  if (::write(pipe, &one, sizeof one) != static_cast<ssize_t>(sizeof one)) ::_exit(1);
}

ChildWork append_for_ever(SqliteOptions options, Honesty honesty) {
  return [options = std::move(options), honesty](int pipe) {
    auto store = SqliteEventStore::open(options);
    if (!store) ::_exit(3);
    std::vector<std::thread> threads;
    for (std::uint32_t writer = 0; writer < kWriters; ++writer) {
      threads.emplace_back([&, writer] { append_from_one_thread(**store, writer, pipe, honesty); });
    }
    for (auto& thread : threads) thread.join();
  };
}

WritingChild::WritingChild(const ChildWork& work) {
  int ends[2];
  HEADRACE_CHECK("test.pipe", ::pipe(ends) == 0, "no pipe");
  child_ = ::fork();
  HEADRACE_CHECK("test.fork", child_ >= 0, "no child");
  if (child_ == 0) {
    ::close(ends[0]);
    work(ends[1]);
    ::_exit(0);
  }
  ::close(ends[1]);
  pipe_ = ends[0];
}

WritingChild::~WritingChild() {
  static_cast<void>(kill());
  ::close(pipe_);
}

bool WritingChild::read_one() {
  Acknowledged one;
  if (::read(pipe_, &one, sizeof one) != static_cast<ssize_t>(sizeof one)) return false;
  said_.push_back(one);
  return true;
}

void WritingChild::wait_for(std::size_t acknowledgements) {
  while (said_.size() < acknowledgements && read_one()) {
  }
}

std::vector<Acknowledged> WritingChild::kill() {
  if (child_ > 0) {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = -1;
    while (read_one()) {
    }
  }
  return said_;
}

}  // namespace headrace::test
