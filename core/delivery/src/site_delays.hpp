#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace headrace {

/// How long a site waits before it looks again at what somebody else has to change.
inline constexpr std::chrono::nanoseconds kRoomWaits = std::chrono::milliseconds(1);  ///< room behind a key
inline constexpr std::chrono::nanoseconds kCopyWaits =
    std::chrono::milliseconds(10);  ///< an event that another one runs
inline constexpr std::chrono::nanoseconds kStoreWaits =
    std::chrono::milliseconds(100);  ///< a store that is full or down

/// Saturates; a delay below zero is none.
[[nodiscard]] inline std::uint64_t later(std::uint64_t now_ns, std::chrono::nanoseconds delay) noexcept {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count(), 0));
  return ns > ~std::uint64_t{0} - now_ns ? ~std::uint64_t{0} : now_ns + ns;
}

}  // namespace headrace
