#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "headrace/port/sink.hpp"
#include "stored_events.hpp"

namespace headrace::test {

/// Sink to a file, a line for each message: a broker that outlives whoever is killed. It holds the last messages back
/// until send_all(), so that a kill always finds some that were taken and not written.
class FileBroker final : public Sink {
 public:
  explicit FileBroker(const std::filesystem::path& file)
      : file_(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)),
        thread_([this](const std::stop_token& stop) { loop(stop); }) {
    HEADRACE_CHECK("test.open", file_ >= 0, "the broker's file does not open");
  }
  ~FileBroker() override {
    thread_.request_stop();
    thread_.join();
    ::close(file_);
  }

  void send_all() {
    const std::lock_guard lock(mutex_);
    held_back_ = 0;
    changed_.notify_all();
  }

  Status start() override { return Nothing{}; }
  SendResult send(Message&& message, Confirm confirm) override {
    const std::lock_guard lock(mutex_);
    if (taken_.size() == kTakenMax) return SendResult::full;
    taken_.emplace_back(std::move(message), std::move(confirm));
    changed_.notify_all();
    return SendResult::taken;
  }
  bool wait_for_room(std::chrono::milliseconds deadline) override {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, deadline, [&] { return taken_.size() < kTakenMax; });
  }
  std::size_t stop(std::chrono::milliseconds) override { return 0; }
  Health health() const override { return {.state = AdapterState::up, .reason = {}, .connections = 1}; }
  Capabilities capabilities() const override { return {.name = "file", .durable = true}; }

  /// The bodies of what came, each where it came first.
  [[nodiscard]] static std::vector<std::string> first_copies(const std::filesystem::path& file) {
    std::vector<std::string> bodies;
    std::set<std::string> known;
    std::ifstream lines(file);
    for (std::string line; std::getline(lines, line);) {
      if (known.insert(line).second) bodies.push_back(line);
    }
    return bodies;
  }

 private:
  static constexpr std::size_t kTakenMax = 16;

  void loop(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [&] { return taken_.size() > held_back_; })) {
      auto [message, confirm] = std::move(taken_.front());
      lock.unlock();
      std::string line(reinterpret_cast<const char*>(message.body.data()), message.body.size());
      line += '\n';
      const bool written = ::write(file_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
      confirm(written ? Status{Nothing{}} : Status{Error{"the file takes nothing", {}}});
      lock.lock();
      taken_.pop_front();
      changed_.notify_all();
    }
  }

  const int file_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::pair<Message, Confirm>> taken_;  // behind mutex_
  std::size_t held_back_ = 12;                     // behind mutex_
  std::jthread thread_;                            // last: it uses all of the above
};

/// An Outbox::Write: the event's id is all that is told.
inline Result<Message> write_id(const EncodedEvent& event) {
  Message message;
  message.topic = event.envelope.topic;
  message.body = bytes_of(event.envelope.id.to_string());
  return message;
}

}  // namespace headrace::test
