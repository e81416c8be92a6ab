#pragma once

#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "../../conformance/adapter/collector.hpp"
#include "headrace/port/dedup_store.hpp"
#include "headrace/port/source.hpp"

namespace headrace::test {

/// What a consumer at the chain's end gets: how often each reading came, and how often it had an effect, which a copy
/// must not have.
class Readings {
 public:
  Readings(std::size_t count, DedupStore& seen) : came_(count), effects_(count), seen_(seen) {}

  [[nodiscard]] Source::Deliver take() {
    return [this](ReceivedMessage&& received) { take(std::move(received)); };
  }
  void await_different(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return different_ >= count; });
  }
  /// Waits for the message that is no reading.
  void await_end() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_; });
  }

  struct Counts {
    std::size_t different = 0;
    std::size_t copies = 0;           ///< beyond the first
    std::size_t unmarked_copies = 0;  ///< of which nobody said that they had been sent before
    std::size_t doubled_effects = 0;
    std::size_t without_effect = 0;
  };
  [[nodiscard]] Counts counts() const {
    const std::scoped_lock lock(mutex_);
    Counts counts{.different = different_, .copies = copies_, .unmarked_copies = unmarked_copies_};
    for (const std::uint32_t effects : effects_) {
      counts.doubled_effects += effects > 1 ? effects - 1 : 0;
      counts.without_effect += effects == 0 ? 1 : 0;
    }
    return counts;
  }

 private:
  static constexpr DedupOwner kOwner = 1;

  void take(ReceivedMessage&& received) {
    const std::string body = body_text(received.message);
    std::size_t number = came_.size();
    std::from_chars(body.data(), body.data() + body.size(), number);
    if (number >= came_.size()) {
      received.settle(Settlement::done);
      const std::scoped_lock lock(mutex_);
      ended_ = true;
      return changed_.notify_all();
    }
    const DedupKey key = DedupKey::of(body);
    const EventTime now = std::chrono::system_clock::now();
    DedupAnswer answer;
    if (!seen_.claim({&key, 1}, kOwner, now, {&answer, 1}) || answer.claim == DedupClaim::in_progress) {
      return received.settle(Settlement::retry);
    }
    const bool run = answer.claim == DedupClaim::run;
    count(number, run, received.redelivered);
    const DedupFinish done{key};
    received.settle(!run || seen_.finish({&done, 1}, kOwner, now) ? Settlement::done : Settlement::retry);
  }
  void count(std::size_t number, bool effect, bool redelivered) {
    {
      const std::scoped_lock lock(mutex_);
      if (effect) ++effects_[number];
      if (came_[number]++ == 0) {
        ++different_;
      } else {
        ++copies_;
        unmarked_copies_ += redelivered ? 0 : 1;
      }
    }
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::uint32_t> came_;
  std::vector<std::uint32_t> effects_;
  DedupStore& seen_;
  std::size_t different_ = 0;
  std::size_t copies_ = 0;
  std::size_t unmarked_copies_ = 0;
  bool ended_ = false;
};

}  // namespace headrace::test
