#pragma once

#include <cstdint>

#include "headrace/simulation/faults.hpp"
#include "headrace/simulation/seeded_random.hpp"
#include "headrace/simulation/simulated_time.hpp"

namespace headrace {

/// Decides before each call of a handler what goes wrong with it.
class HandlerFaults {
 public:
  HandlerFaults(const Faults& faults, SeededRandom& random, SimulatedTime& time) noexcept
      : faults_(faults), random_(random), time_(time) {}

  /// Lets time go on, and throws SimulatedFault, as chance has it.
  void strike() {
    if (random_.hits(faults_.slow)) {
      const auto most = static_cast<std::uint64_t>(faults_.slow_max.count());
      time_.move_by(std::chrono::nanoseconds(static_cast<std::int64_t>(random_.between(1, most))));
    }
    if (random_.hits(faults_.throws)) throw SimulatedFault{};
  }

 private:
  const Faults& faults_;
  SeededRandom& random_;
  SimulatedTime& time_;
};

}  // namespace headrace
