#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace headrace {

/// Saturates; a delay below zero is none.
[[nodiscard]] inline std::uint64_t later(std::uint64_t now_ns, std::chrono::nanoseconds delay) noexcept {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count(), 0));
  return ns > ~std::uint64_t{0} - now_ns ? ~std::uint64_t{0} : now_ns + ns;
}

}  // namespace headrace
