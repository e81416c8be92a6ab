#pragma once

#include <cstdint>

#include "headrace/base/atomic.hpp"

namespace headrace {

inline constexpr std::uint64_t kNoDeadline = ~std::uint64_t{0};

enum class FutexWait : std::uint8_t { woken_or_changed, timed_out };

#if defined(HEADRACE_MODEL_ATOMICS)

// The model explores every wake-up by making all of them spurious: the caller's loop reads the word again, and a
// word that nobody ever changes is a loop that never ends, which the model reports.
inline FutexWait futex_wait(const void*, std::uint32_t, std::uint64_t) noexcept {
  pause();
  return FutexWait::woken_or_changed;
}
inline void futex_wake_all(const void*) noexcept {}

#else

/// Sleeps while the 32-bit word still holds `expected`, until woken or until CLOCK_MONOTONIC reaches
/// `deadline_ns`. May return early for no reason. @thread any
FutexWait futex_wait(const void* word, std::uint32_t expected, std::uint64_t deadline_ns) noexcept;

/// Wakes every thread that sleeps on the word. @thread any
void futex_wake_all(const void* word) noexcept;

#endif

}  // namespace headrace
