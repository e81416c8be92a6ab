#include "headrace/base/futex.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>

namespace headrace {

FutexWait futex_wait(const void* word, std::uint32_t expected, std::uint64_t deadline_ns) noexcept {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const timespec deadline{static_cast<time_t>(deadline_ns / kSecond), static_cast<long>(deadline_ns % kSecond)};
  // The bitset form, because it alone takes an absolute deadline.
  const auto result = ::syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected,
                                deadline_ns == kNoDeadline ? nullptr : &deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
  return result == -1 && errno == ETIMEDOUT ? FutexWait::timed_out : FutexWait::woken_or_changed;
}

void futex_wake_all(const void* word) noexcept {
  ::syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace headrace
