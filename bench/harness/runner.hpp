#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/probe.hpp"
#include "harness/row.hpp"

namespace headrace::bench {

struct RunOptions {
  std::size_t runs = 7;
  double seconds_per_run = 0.15;
  Cpus cpus = allowed_cpus();
};

/// Ours against one peer (or against none: then peer is empty).
struct Comparison {
  std::string name, unit, peer;
  Better better = Better::higher;
  double value = 0;       ///< median over the runs
  double peer_value = 0;  ///< median over the runs
  double ratio = 0;       ///< median of ours / peer taken run by run
  double spread = 0, peer_spread = 0;
  std::size_t runs = 0, dropped_runs = 0;
  double foreign_load = 0;  ///< share of the machine that other processes used meanwhile
  double probe_ns_before = 0, probe_ns_after = 0;
  Distance cores = Distance::far;
  std::optional<double> target;
  std::map<std::string, double> notes, peer_notes;

  [[nodiscard]] bool met() const {
    return !target || (better == Better::higher ? ratio >= *target : ratio <= *target);
  }
};

/// Measures a row. Each run measures ours and every peer, in an order that turns round from run to run, with a
/// probe of the cores' distance between them; a run during which the distance changed is dropped and repeated.
/// Answers nothing when the distance never held still. Throws what a measurement's `require` throws.
[[nodiscard]] std::vector<Comparison> measure(const Row& row, const RunOptions& options);

}  // namespace headrace::bench
