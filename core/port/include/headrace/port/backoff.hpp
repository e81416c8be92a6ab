#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "headrace/base/hash.hpp"

namespace headrace {

/// Delays between attempts to connect: full jitter, uniform in 0 to min(cap, first * 2^attempt).
/// @thread one
class Backoff {
 public:
  struct Options {
    std::chrono::milliseconds first{100};
    std::chrono::milliseconds cap{30'000};
  };
  Backoff(Options options, std::uint64_t seed) noexcept : options_(options), state_(seed) {}

  [[nodiscard]] std::chrono::milliseconds next() noexcept {
    const auto limit = std::min(options_.cap.count(), options_.first.count() << std::min(attempt_, 20U));
    ++attempt_;
    state_ += detail::kRoot2;
    return std::chrono::milliseconds(
        static_cast<std::int64_t>(mix64(state_) % (static_cast<std::uint64_t>(limit) + 1)));
  }
  /// A connection stood: begin anew.
  void reset() noexcept { attempt_ = 0; }
  /// An attempt lasted so long: one that outlasts the longest delay is no part of a hurry, and the next delays begin anew.
  void lasted(std::chrono::nanoseconds time) noexcept {
    if (time >= options_.cap) reset();
  }

 private:
  Options options_;
  std::uint64_t state_;
  unsigned attempt_ = 0;
};

}  // namespace headrace
