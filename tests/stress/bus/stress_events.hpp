#pragma once

#include <cstdint>
#include <cstdlib>

#include "sanitizer.hpp"

namespace headrace {

/// HEADRACE_STRESS_EVENTS, or 10^8 where the compiler optimises and no sanitizer slows it down. Each test takes
/// its share of them.
inline std::uint64_t stress_events() {
  if (const char* wanted = std::getenv("HEADRACE_STRESS_EVENTS")) return std::strtoull(wanted, nullptr, 10);
#if defined(NDEBUG) && defined(__OPTIMIZE__) && !HEADRACE_TEST_ASAN && !HEADRACE_TEST_TSAN && defined(__x86_64__)
  return 100'000'000;
#else
  return 1'000'000;
#endif
}

/// The same for tests that take minutes at 10^8: a two-hundredth of it, and all that HEADRACE_STRESS_EVENTS asks for.
inline std::uint64_t long_stress_events() {
  const bool asked_for = std::getenv("HEADRACE_STRESS_EVENTS") != nullptr;
  return asked_for ? stress_events() : stress_events() / 200;
}

}  // namespace headrace
