#pragma once

#include <cstdint>

#include "sanitizer.hpp"

namespace headrace {

/// Counts under a sanitizer, which is up to twenty times slower and needs few events to see what is wrong.
#if HEADRACE_TEST_ASAN || HEADRACE_TEST_TSAN
inline constexpr std::uint64_t kSlowness = 16;
#else
inline constexpr std::uint64_t kSlowness = 1;
#endif

[[nodiscard]] constexpr std::uint64_t scaled(std::uint64_t events) { return events / kSlowness; }

}  // namespace headrace
