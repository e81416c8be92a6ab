#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "harness/litmus.hpp"
#include "mutation.hpp"

namespace headrace::model {

/// How one mutant fared.
struct Verdict {
  Mutation mutation{};
  bool caught = false;
  std::size_t litmus = 0;        ///< that caught it
  std::uint64_t executions = 0;  ///< that it took
  std::string how{};             ///< data race, deadlock, …
};

/// Executes the litmuses whose names begin with `prefix`, but for planted failures, unmutated, and gathers the
/// sites. False if one fails: its name is in `failed`.
[[nodiscard]] bool record_sites(SiteRegistry& registry, const std::string& prefix, std::uint64_t executions,
                                std::string& failed);

/// Runs every mutant of every site through the litmuses that pass it, each mutant in a process of its own, for a
/// mutant may crash or hang.
[[nodiscard]] std::vector<Verdict> run_mutants(const SiteRegistry& registry, std::uint64_t executions,
                                               unsigned processes);

}  // namespace headrace::model
