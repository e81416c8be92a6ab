#include "harness/runner.hpp"

#include <algorithm>
#include <numeric>

#include "harness/foreign_load.hpp"
#include "harness/long_run.hpp"
#include "harness/statistics.hpp"

namespace headrace::bench {
namespace {

/// One turn of every contender. values[0] is ours; probes has one more entry than there are contenders.
struct Run {
  std::vector<double> values;
  std::vector<double> probes;
  double foreign_load = 0;

  [[nodiscard]] Distance distance() const { return distance_of(probes.front()); }
  [[nodiscard]] bool held_still() const {
    return std::ranges::all_of(probes, [&](double ns) { return distance_of(ns) == distance(); });
  }
};

struct Competitor {
  const Contender* contender;
  Context context;
};

Run run_once(const std::string& row, std::vector<Competitor>& competitors, const Cpus& cpus, bool reversed) {
  std::vector<std::size_t> order(competitors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (reversed) std::ranges::reverse(order);

  const ForeignLoad load;
  Run run{.values = std::vector<double>(competitors.size()), .probes = {probe_one_way_ns(cpus)}};
  for (const std::size_t i : order) {
    {
      const LongRun watched(row + ", " + competitors[i].contender->name);
      run.values[i] = competitors[i].contender->measure(competitors[i].context);
    }
    run.probes.push_back(probe_one_way_ns(cpus));
  }
  run.foreign_load = load.share();
  return run;
}

std::map<std::string, double> medians_of(const std::map<std::string, std::vector<double>>& notes) {
  std::map<std::string, double> medians;
  for (const auto& [name, values] : notes) medians[name] = median(values);
  return medians;
}

template <class Projection>
std::vector<double> column(const std::vector<Run>& runs, Projection projection) {
  std::vector<double> values;
  for (const Run& run : runs) values.push_back(projection(run));
  return values;
}

Comparison compare(const Row& row, const std::vector<Run>& runs, const std::vector<Competitor>& competitors,
                   std::size_t peer) {
  const auto ours = column(runs, [](const Run& run) { return run.values[0]; });
  const auto before = column(runs, [](const Run& run) { return run.probes.front(); });
  const auto after = column(runs, [](const Run& run) { return run.probes.back(); });
  Comparison comparison;
  comparison.name = row.name();
  comparison.unit = row.spec().unit;
  comparison.better = row.spec().better;
  comparison.value = median(ours);
  comparison.spread = relative_spread(ours);
  comparison.runs = runs.size();
  comparison.probe_ns_before = median(before);
  comparison.probe_ns_after = median(after);
  comparison.foreign_load = median(column(runs, [](const Run& run) { return run.foreign_load; }));
  comparison.cores = distance_of(comparison.probe_ns_before);
  comparison.notes = medians_of(competitors[0].context.notes());
  if (peer == 0) return comparison;

  const Contender& contender = *competitors[peer].contender;
  const auto theirs = column(runs, [&](const Run& run) { return run.values[peer]; });
  comparison.peer = contender.name;
  comparison.peer_value = median(theirs);
  comparison.peer_spread = relative_spread(theirs);
  comparison.ratio = median(column(runs, [&](const Run& run) { return run.values[0] / run.values[peer]; }));
  comparison.peer_notes = medians_of(competitors[peer].context.notes());
  if (contender.target) {
    comparison.target = comparison.cores == Distance::far ? contender.target->far : contender.target->near;
  }
  return comparison;
}

}  // namespace

std::vector<Comparison> measure(const Row& row, const RunOptions& options) {
  std::vector<Competitor> competitors;
  competitors.push_back({&row.ours(), Context(options.cpus, options.seconds_per_run)});
  for (const Contender& peer : row.peers()) {
    competitors.push_back({&peer, Context(options.cpus, options.seconds_per_run)});
  }

  // Runs of either distance are kept apart; the first to be complete makes the row.
  std::map<Distance, std::vector<Run>> kept;
  const std::size_t attempts_max = 4 * options.runs;
  std::vector<Run> complete;
  std::size_t attempts = 0;
  while (complete.empty() && attempts < attempts_max) {
    Run run = run_once(row.name(), competitors, options.cpus, attempts % 2 == 1);
    ++attempts;
    const bool pair = row.spec().cores == Cores::pair;
    if (pair && !run.held_still()) continue;
    auto& runs = kept[pair ? run.distance() : Distance::far];
    runs.push_back(std::move(run));
    if (runs.size() == options.runs) complete = std::move(runs);
  }
  if (complete.empty()) return {};

  std::vector<Comparison> comparisons;
  for (std::size_t peer = competitors.size() == 1 ? 0 : 1; peer < competitors.size(); ++peer) {
    comparisons.push_back(compare(row, complete, competitors, peer));
    comparisons.back().dropped_runs = attempts - complete.size();
  }
  return comparisons;
}

}  // namespace headrace::bench
