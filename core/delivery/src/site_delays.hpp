#pragma once

#include <chrono>

#include "headrace/delivery/later.hpp"

namespace headrace {

/// How long a site waits before it looks again at what somebody else has to change.
inline constexpr std::chrono::nanoseconds kRoomWaits = std::chrono::milliseconds(1);  ///< room behind a key
inline constexpr std::chrono::nanoseconds kCopyWaits =
    std::chrono::milliseconds(10);  ///< an event that another one runs
inline constexpr std::chrono::nanoseconds kStoreWaits =
    std::chrono::milliseconds(100);  ///< a store that is full or down

}  // namespace headrace
