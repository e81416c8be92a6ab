#pragma once

#include <cstdint>
#include <vector>

#include "environment.hpp"

namespace headrace::test {

/// The seeds of a property test: a few, always the same ones; with HEADRACE_SEEDS=1000 so many, and with HEADRACE_SEED=7
/// that one alone, as a failure names it.
inline std::vector<std::uint64_t> seed_list(std::uint64_t otherwise) {
  if (const std::uint64_t one = from_environment("HEADRACE_SEED", 0); one != 0) return {one};
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t seed = 1; seed <= from_environment("HEADRACE_SEEDS", otherwise); ++seed)
    seeds.push_back(seed);
  return seeds;
}

}  // namespace headrace::test
