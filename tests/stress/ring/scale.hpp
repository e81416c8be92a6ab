#pragma once

#include <cstdint>

namespace headrace {

/// Counts under the thread sanitizer, which is about twenty times slower and needs few events to see a race.
#if defined(__SANITIZE_THREAD__)
inline constexpr std::uint64_t kSlowness = 16;
#else
inline constexpr std::uint64_t kSlowness = 1;
#endif

[[nodiscard]] constexpr std::uint64_t scaled(std::uint64_t events) { return events / kSlowness; }

}  // namespace headrace
