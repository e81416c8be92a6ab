#pragma once

#include <algorithm>
#include <chrono>

namespace headrace {

/// No wait of an adapter is longer than a year: `milliseconds::max()` may be given, and would overflow a clock.
[[nodiscard]] constexpr std::chrono::milliseconds bounded(std::chrono::milliseconds deadline) noexcept {
  return std::clamp(deadline, std::chrono::milliseconds(0),
                    std::chrono::milliseconds(std::chrono::hours(365 * 24)));
}

}  // namespace headrace
