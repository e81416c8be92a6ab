#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "headrace/base/hints.hpp"

namespace headrace::program {

/// One measured figure: the median of its runs, and how far half of them strayed from it.
struct BenchRow {
  std::string name;
  std::string unit;
  double value = 0;
  double spread = 0;  ///< median absolute deviation, in the unit
  std::size_t runs = 0;
};

struct CoreMatrix {
  std::vector<int> cpus;
  std::vector<std::vector<double>> one_way_ns;  ///< by row's and column's place in cpus; 0 on the diagonal

  /// The pair with the lowest latency: what the other measurements run on. Both the same where there is one CPU.
  [[nodiscard]] std::pair<int, int> nearest() const;
};

struct BenchOptions {
  std::size_t runs = 7;
};

/// A cache line handed to and fro between each two CPUs of the process.
[[nodiscard]] CoreMatrix measure_cores(const BenchOptions& options);
/// A bare lane between two CPUs, by payload and batch.
[[nodiscard]] std::vector<BenchRow> measure_lane(const BenchOptions& options, std::pair<int, int> cpus);
/// A bus with one worker, from publish to handler.
[[nodiscard]] std::vector<BenchRow> measure_dispatch(const BenchOptions& options, std::pair<int, int> cpus);
/// A bus with nothing to do, and how soon it is back, beside a bare futex.
[[nodiscard]] std::vector<BenchRow> measure_idle(const BenchOptions& options, std::pair<int, int> cpus);

/// The rate of each run in events a second, by a function of how many events to move. A first short run, which is
/// not kept, sizes the others to about a twentieth of a second each, whatever the machine.
[[nodiscard]] std::vector<double> measure_rates(std::size_t runs,
                                                const std::function<double(std::uint64_t)>& rate_of);
[[nodiscard]] BenchRow summarize(std::string name, std::string unit, std::vector<double> runs);
/// The same for rates, in millions of events a second.
[[nodiscard]] BenchRow summarize_rates(std::string name, std::vector<double> rates);
/// Waits for another thread by spinning, which is the quickest, unless both share one CPU.
class PairWait {
 public:
  explicit PairWait(std::pair<int, int> cpus) noexcept : shared_(cpus.first == cpus.second) {}
  void once() const noexcept {
    if (shared_) std::this_thread::yield();
    pause();
  }

 private:
  bool shared_;
};

/// Runs both at the same time on their CPUs and returns the seconds from their common start to the end of both.
double run_pair(std::pair<int, int> cpus, const std::function<void()>& first, const std::function<void()>& second);

}  // namespace headrace::program
