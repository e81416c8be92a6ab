#pragma once

#include <chrono>
#include <cstdint>

#include "headrace/base/time_source.hpp"

namespace headrace {

/// A clock that stands still until it is moved. Stays where it is while a bus reads it.
class SimulatedTime {
 public:
  SimulatedTime() = default;
  SimulatedTime(const SimulatedTime&) = delete;
  SimulatedTime& operator=(const SimulatedTime&) = delete;

  [[nodiscard]] std::uint64_t now_ns() const noexcept { return now_ns_; }
  [[nodiscard]] TimeSource::WallTime wall_time() const noexcept {
    return TimeSource::WallTime(std::chrono::nanoseconds(static_cast<std::int64_t>(now_ns_) + wall_ahead_ns_));
  }
  void move_to(std::uint64_t now_ns) noexcept {
    if (now_ns > now_ns_) now_ns_ = now_ns;
  }
  void move_by(std::chrono::nanoseconds time) noexcept {
    if (time.count() > 0) now_ns_ += static_cast<std::uint64_t>(time.count());
  }
  /// Somebody sets the wall clock, forward or back; what timers go by does not notice.
  void set_wall_by(std::chrono::nanoseconds jump) noexcept { wall_ahead_ns_ += jump.count(); }

  [[nodiscard]] TimeSource source() const noexcept {
    return {.steady = [](const void* self) { return static_cast<const SimulatedTime*>(self)->now_ns(); },
            .wall = [](const void* self) { return static_cast<const SimulatedTime*>(self)->wall_time(); },
            .self = this};
  }

 private:
  std::uint64_t now_ns_ = 1'000'000'000;
  std::int64_t wall_ahead_ns_ = 1'700'000'000'000'000'000;  // a day in 2023
};

}  // namespace headrace
