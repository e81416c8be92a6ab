#pragma once

#include <cstdint>

#include "headrace/base/hash.hpp"

namespace headrace {

/// The random numbers of jitter: SplitMix64, a counter with mix64() over it. Eight bytes of state, so that a retry
/// finds it in its cache. Every seed gives other numbers, the same ones on every machine. Not for secrets.
/// Threads: one owner.
class JitterRandom {
 public:
  explicit JitterRandom(std::uint64_t seed) noexcept : state_(seed) {}
  std::uint64_t operator()() noexcept { return mix64(state_ += 0x9e3779b97f4a7c15); }

 private:
  std::uint64_t state_;
};

}  // namespace headrace
