#include "machine_bench.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <thread>

#include "headrace/base/topology.hpp"

namespace headrace::program {

namespace {

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

std::vector<double> measure_rates(std::size_t runs, const std::function<double(std::uint64_t)>& rate_of) {
  constexpr double kRunSeconds = 0.05;
  constexpr std::uint64_t kEventsMin = 1U << 16U;
  constexpr double kEventsMax = 1U << 26U;
  const double trial = rate_of(kEventsMin);
  const auto events = std::max(kEventsMin, static_cast<std::uint64_t>(std::min(trial * kRunSeconds, kEventsMax)));
  std::vector<double> rates;
  for (std::size_t run = 0; run < runs; ++run) rates.push_back(rate_of(events));
  return rates;
}

BenchRow summarize(std::string name, std::string unit, std::vector<double> runs) {
  BenchRow row{std::move(name), std::move(unit), median(runs), 0, runs.size()};
  for (double& run : runs) run = std::abs(run - row.value);
  row.spread = median(runs);
  return row;
}

BenchRow summarize_rates(std::string name, std::vector<double> rates) {
  for (double& rate : rates) rate /= 1e6;
  return summarize(std::move(name), "M events/s", std::move(rates));
}

double run_pair(std::pair<int, int> cpus, const std::function<void()>& first,
                const std::function<void()>& second) {
  std::atomic<int> arrived{0};
  const auto start = [&](int cpu, const std::function<void()>& work) {
    (void)pin_current_thread(cpu);  // a CPU that went away since: unpinned is better than not at all
    arrived.fetch_add(1, std::memory_order_acq_rel);  // meets the loads below: a start line
    while (arrived.load(std::memory_order_acquire) < 2) PairWait(cpus).once();
    work();
  };
  std::chrono::steady_clock::time_point began;
  std::thread other(start, cpus.second, second);
  std::thread one([&] {
    start(cpus.first, [&] {
      began = std::chrono::steady_clock::now();
      first();
    });
  });
  one.join();
  other.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

std::pair<int, int> CoreMatrix::nearest() const {
  std::pair<int, int> best{cpus.front(), cpus.size() > 1 ? cpus[1] : cpus.front()};
  double best_ns = cpus.size() > 1 ? one_way_ns[0][1] : 0;
  for (std::size_t i = 0; i < cpus.size(); ++i) {
    for (std::size_t j = i + 1; j < cpus.size(); ++j) {
      if (one_way_ns[i][j] >= best_ns) continue;
      best = {cpus[i], cpus[j]};
      best_ns = one_way_ns[i][j];
    }
  }
  return best;
}

}  // namespace headrace::program
