#pragma once

#include <cstdint>

#include "headrace/base/hash.hpp"

namespace headrace {

/// All chance of a simulation: a counter whose values are mixed. The same seed gives the same row of numbers on
/// every machine, which the standard's distributions do not promise.
class SeededRandom {
 public:
  explicit SeededRandom(std::uint64_t seed) noexcept : state_(mix64(seed ^ 0x9e3779b97f4a7c15)) {}

  [[nodiscard]] std::uint64_t next() noexcept { return mix64(state_ += 0x9e3779b97f4a7c15); }
  /// Evenly in [0, bound), but for the last bits of a large bound; zero for a bound of zero.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept {
    return static_cast<std::uint64_t>(static_cast<detail::Uint128>(next()) * bound >> 64);
  }
  /// Evenly in [from, to].
  [[nodiscard]] std::uint64_t between(std::uint64_t from, std::uint64_t to) noexcept {
    return from + below(to - from + 1);
  }
  /// True so many times in a thousand. Zero takes no number, so that an unused fault changes no run.
  [[nodiscard]] bool hits(std::uint32_t permille) noexcept { return permille != 0 && below(1000) < permille; }

 private:
  std::uint64_t state_;
};

}  // namespace headrace
