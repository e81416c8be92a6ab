#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "headrace/port/sink.hpp"
#include "headrace/port/source.hpp"

namespace headrace::test {

inline std::string body_text(const Message& message) {
  return {reinterpret_cast<const char*>(message.body.data()), message.body.size()};
}

inline Message message_of(std::string topic, std::string_view body, std::string key = {}) {
  Message message;
  message.topic = std::move(topic);
  message.key = std::move(key);
  const auto bytes = std::as_bytes(std::span(body));
  message.body.assign(bytes.begin(), bytes.end());
  return message;
}

/// Takes what a source delivers and keeps it until the test looks.
class Collector {
 public:
  [[nodiscard]] Source::Deliver keep() {
    return [this](ReceivedMessage&& delivery) { add(std::move(delivery)); };
  }
  /// Settles each message at once.
  [[nodiscard]] Source::Deliver settle(Settlement settlement) {
    return [this, settlement](ReceivedMessage&& delivery) {
      delivery.settle(settlement);
      add(std::move(delivery));
    };
  }
  void await(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return kept_.size() >= count; });
  }
  /// Waits until that many different bodies have come.
  void await_different(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return bodies_.size() >= count; });
  }
  [[nodiscard]] std::vector<ReceivedMessage> take() {
    const std::scoped_lock lock(mutex_);
    return std::exchange(kept_, {});
  }
  [[nodiscard]] std::size_t kept() const {
    const std::scoped_lock lock(mutex_);
    return kept_.size();
  }
  [[nodiscard]] std::set<std::string> bodies() const {
    const std::scoped_lock lock(mutex_);
    return bodies_;
  }

 private:
  void add(ReceivedMessage&& delivery) {
    {
      const std::scoped_lock lock(mutex_);
      bodies_.insert(body_text(delivery.message));
      kept_.push_back(std::move(delivery));
    }
    changed_.notify_all();
  }
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ReceivedMessage> kept_;
  std::set<std::string> bodies_;
};

/// Counts a sink's answers.
class Confirms {
 public:
  [[nodiscard]] Sink::Confirm one() {
    return [this](const Status& answer) {
      {
        const std::scoped_lock lock(mutex_);
        ++(answer ? confirmed_ : failed_);
      }
      changed_.notify_all();
    };
  }
  void await(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return confirmed_ + failed_ >= count; });
  }
  [[nodiscard]] std::size_t confirmed() const {
    const std::scoped_lock lock(mutex_);
    return confirmed_;
  }
  [[nodiscard]] std::size_t failed() const {
    const std::scoped_lock lock(mutex_);
    return failed_;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t confirmed_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace headrace::test
