#pragma once

#include "harness/threads.hpp"

namespace headrace::bench {

/// Whether a cache line passes between the two cores inside a shared cache (near) or across dies (far).
/// On a virtual machine this changes while it runs, and the best technique with it.
enum class Distance { near, far };

inline constexpr double kFarFromNs = 120;

[[nodiscard]] constexpr Distance distance_of(double one_way_ns) {
  return one_way_ns < kFarFromNs ? Distance::near : Distance::far;
}
[[nodiscard]] constexpr const char* name_of(Distance distance) {
  return distance == Distance::near ? "near" : "far";
}

/// Nanoseconds that one cache line takes from the first of the cpus to the second: half the median round
/// trip of a flag in a line, over some milliseconds.
[[nodiscard]] double probe_one_way_ns(const Cpus& cpus);

}  // namespace headrace::bench
