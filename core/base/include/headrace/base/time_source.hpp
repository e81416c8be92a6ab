#pragma once

#include <chrono>
#include <cstdint>

#include "headrace/base/clock.hpp"

namespace headrace {

/// Where a bus has its time from: the machine, or a simulation. Two functions and what they are called with; a
/// copy is as good as the original. The functions must be fit for any thread.
struct TimeSource {
  using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

  /// For timers and deadlines: never steps back.
  std::uint64_t (*steady)(const void* self) = [](const void*) { return steady_ns(); };
  /// For what is written down: may be set at any moment.
  WallTime (*wall)(const void* self) = [](const void*) {
    return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  };
  const void* self = nullptr;

  [[nodiscard]] std::uint64_t now_ns() const { return steady(self); }
  [[nodiscard]] WallTime wall_time() const { return wall(self); }
};

}  // namespace headrace
