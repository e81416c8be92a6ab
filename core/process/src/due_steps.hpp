#pragma once

#include <algorithm>
#include <chrono>
#include <compare>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

#include "headrace/base/time_source.hpp"
#include "headrace/event/envelope.hpp"
#include "headrace/event/time_after.hpp"

namespace headrace {

struct OpenSaga;

/// A step of a saga that somebody should look at. What is to be done is seen then, so a look too many is harmless.
struct DueStep {
  std::shared_ptr<OpenSaga> saga;
  std::size_t step = 0;

  friend auto operator<=>(const DueStep&, const DueStep&) = default;
};

/// The steps to look at, each once, by wall-clock time. An ordered map rather than the timing wheel: deadlines lie
/// days ahead, outlive the process, and follow a clock that may be set; and each look costs an append to a disk
/// anyway.
/// Threads: any; one mutex.
class DueSteps {
 public:
  explicit DueSteps(TimeSource time) : time_(time) {}

  /// Now at this time, and no other.
  void add(EventTime due, const DueStep& step) {
    {
      const std::lock_guard lock(mutex_);
      const Place place{due, ++adds_};
      const auto [at, is_new] = places_.try_emplace(step, place);
      if (!is_new) steps_.erase(at->second);
      at->second = place;
      steps_.emplace(place, step);
    }
    changed_.notify_one();
  }
  void remove(const DueStep& step) {
    const std::lock_guard lock(mutex_);
    const auto at = places_.find(step);
    if (at == places_.end()) return;
    steps_.erase(at->second);
    places_.erase(at);
  }

  /// Waits for the next one to be due; none when stop is asked for.
  [[nodiscard]] std::optional<DueStep> wait(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      if (auto step = take()) {
        // Somebody else must look after what comes next: this thread may be away for long.
        if (!steps_.empty()) changed_.notify_one();
        return step;
      }
      if (steps_.empty()) {
        changed_.wait(lock, stop, [this] { return !steps_.empty(); });
      } else {
        // Bounded, so that it is noticed when somebody sets the clock.
        const EventTime first = steps_.begin()->first.first;
        const auto pause =
            std::min<std::chrono::nanoseconds>(time_between(time_.wall_time(), first), kLongestSleep);
        changed_.wait_for(lock, stop, pause,
                          [&] { return steps_.empty() || steps_.begin()->first.first < first; });
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] std::optional<DueStep> try_take() {
    const std::lock_guard lock(mutex_);
    return take();
  }
  [[nodiscard]] std::optional<EventTime> next() const {
    const std::lock_guard lock(mutex_);
    if (steps_.empty()) return std::nullopt;
    return steps_.begin()->first.first;
  }

 private:
  using Place = std::pair<EventTime, std::uint64_t>;  ///< of the same time, the one added first
  static constexpr std::chrono::seconds kLongestSleep{1};

  std::optional<DueStep> take() {
    if (steps_.empty() || steps_.begin()->first.first > time_.wall_time()) return std::nullopt;
    DueStep step = steps_.begin()->second;
    steps_.erase(steps_.begin());
    places_.erase(step);
    return step;
  }

  const TimeSource time_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<Place, DueStep> steps_;   // behind mutex_, as is all below
  std::map<DueStep, Place> places_;  ///< of each in steps_
  std::uint64_t adds_ = 0;
};

}  // namespace headrace
