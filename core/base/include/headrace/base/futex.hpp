#pragma once

#include <cstdint>

namespace headrace {

inline constexpr std::uint64_t kNoDeadline = ~std::uint64_t{0};

enum class FutexWait : std::uint8_t { woken_or_changed, timed_out };

// A model checker links its own two in place of futex.cpp.

/// Sleeps while the 32-bit word still holds `expected`, until woken or until CLOCK_MONOTONIC reaches `deadline_ns`.
/// May return early for no reason. @thread any
FutexWait futex_wait(const void* word, std::uint32_t expected, std::uint64_t deadline_ns) noexcept;

/// Wakes every thread that sleeps on the word. @thread any
void futex_wake_all(const void* word) noexcept;

}  // namespace headrace
