#pragma once

#include <chrono>
#include <cstdint>

#include "headrace/event/envelope.hpp"

namespace headrace {

/// Times stand still at the ends of what EventTime can say (1677 and 2262): "for ever" stays for ever.
[[nodiscard]] inline EventTime time_after(EventTime time, std::chrono::nanoseconds delay) noexcept {
  std::int64_t ns = 0;
  if (!__builtin_add_overflow(time.time_since_epoch().count(), delay.count(), &ns)) {
    return EventTime{std::chrono::nanoseconds{ns}};
  }
  return delay.count() < 0 ? EventTime::min() : EventTime::max();
}

/// How long from one to the other; below zero when `to` is the earlier. What is too long to say is as long as can be.
[[nodiscard]] inline std::chrono::nanoseconds time_between(EventTime from, EventTime to) noexcept {
  std::int64_t ns = 0;
  if (!__builtin_sub_overflow(to.time_since_epoch().count(), from.time_since_epoch().count(), &ns)) {
    return std::chrono::nanoseconds{ns};
  }
  return to < from ? std::chrono::nanoseconds::min() : std::chrono::nanoseconds::max();
}

}  // namespace headrace
