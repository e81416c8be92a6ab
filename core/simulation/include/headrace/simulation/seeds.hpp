#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace headrace {

/// Runs `run(seed)` for the seeds 1 … count and answers the first failure: what it said, with the seed and how to
/// replay it; empty if all went well. `run` answers what is wrong, or nothing; what it throws is wrong, too.
///
///   HEADRACE_SIM_SEEDS=1000000  that many seeds instead
///   HEADRACE_SIM_SEED=77        only this one
[[nodiscard]] std::string for_each_seed(std::uint64_t count,
                                        const std::function<std::string(std::uint64_t seed)>& run);

}  // namespace headrace
