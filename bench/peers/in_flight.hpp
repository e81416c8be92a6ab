#pragma once

#include <cstdint>

#include "scenario/events.hpp"
#include "scenario/tally.hpp"

namespace headrace::bench {

/// Holds the publisher of an unbounded queue to kInFlightMax events. Looks every 256, so that the look costs
/// little.
class InFlight {
 public:
  explicit InFlight(const Tallies& tallies) : tallies_(tallies) {}

  void sent(std::uint64_t events) noexcept {
    sent_ += events;
    if (sent_ < look_at_) return;
    look_at_ = sent_ + kBetweenLooks;
    while (sent_ - tallies_.count() > kInFlightMax) pause();
  }

 private:
  static constexpr std::uint64_t kBetweenLooks = 256;

  const Tallies& tallies_;
  std::uint64_t sent_ = 0;
  std::uint64_t look_at_ = kBetweenLooks;
};

}  // namespace headrace::bench
