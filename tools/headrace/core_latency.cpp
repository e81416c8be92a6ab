#include <atomic>
#include <cstdint>

#include "headrace/base/cache_line.hpp"
#include "headrace/base/topology.hpp"
#include "machine_bench.hpp"

namespace headrace::program {
namespace {

// Short games, many of them: the median then is one that nobody interrupted.
constexpr std::uint64_t kRoundTrips = 500;
constexpr std::size_t kGamesARun = 5;

/// Each side waits for the other's number and answers with the next: one transfer of the line a way.
double one_way_ns(std::pair<int, int> cpus) {
  struct alignas(kNoSharingBytes) Line {
    std::atomic<std::uint64_t> turn{0};
  } line;
  const auto play = [&line](std::uint64_t first) {
    for (std::uint64_t turn = first; turn < 2 * kRoundTrips; turn += 2) {
      while (line.turn.load(std::memory_order_acquire) != turn) {
      }
      line.turn.store(turn + 1, std::memory_order_release);  // meets the load of the other side
    }
  };
  const double seconds = run_pair(
      cpus, [&] { play(0); }, [&] { play(1); });
  return seconds * 1e9 / (2.0 * static_cast<double>(kRoundTrips));
}

}  // namespace

CoreMatrix measure_cores(const BenchOptions& options) {
  CoreMatrix matrix;
  matrix.cpus = Topology::of_process().allowed_cpus;
  matrix.one_way_ns.assign(matrix.cpus.size(), std::vector<double>(matrix.cpus.size()));
  for (std::size_t i = 0; i < matrix.cpus.size(); ++i) {
    for (std::size_t j = i + 1; j < matrix.cpus.size(); ++j) {
      std::vector<double> runs;
      for (std::size_t run = 0; run < options.runs * kGamesARun; ++run)
        runs.push_back(one_way_ns({matrix.cpus[i], matrix.cpus[j]}));
      matrix.one_way_ns[i][j] = matrix.one_way_ns[j][i] = summarize("", "ns", std::move(runs)).value;
    }
  }
  return matrix;
}

}  // namespace headrace::program
