#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <thread>

#include "headrace/base/check.hpp"
#include "headrace/base/futex.hpp"
#include "headrace/base/topology.hpp"
#include "headrace/headrace.hpp"
#include "machine_bench.hpp"
#include "other_load.hpp"

namespace headrace::program {

struct Beat8 {
  std::uint64_t number;
};
HEADRACE_EVENT(Beat8, "bench.beat8", number)
struct Beat64 {
  std::uint64_t number;
  std::array<std::uint64_t, 7> rest;
};
HEADRACE_EVENT(Beat64, "bench.beat64", number)

namespace {

using Clock = std::chrono::steady_clock;

DispatcherOptions one_worker_on(int cpu, Wait wait) {
  DispatcherOptions options;
  options.workers = 1;
  options.pin = Pin::cpus({cpu});
  options.wait = wait;
  return options;
}

/// Runs on a thread of its own, so that pinning it leaves the program's main thread alone.
void on_cpu(int cpu, const std::function<void()>& work) {
  std::thread([&] {
    (void)pin_current_thread(cpu);
    work();
  }).join();
}

template <class Beat>
double events_a_second(std::pair<int, int> cpus, std::size_t batch, std::uint64_t wanted) {
  const std::uint64_t events = wanted / batch * batch;
  std::uint64_t sum = 0;
  Bus bus(one_worker_on(cpus.second, Wait::adaptive));
  const auto handled = bus.subscribe<Beat>([&sum](std::span<const Beat> beats) {
    for (const Beat& beat : beats) sum += beat.number;
  });
  bus.start();
  double seconds = 0;
  on_cpu(cpus.first, [&] {
    Publisher publisher = bus.publisher();
    std::vector<Beat> beats(batch);
    const auto began = Clock::now();
    for (std::uint64_t sent = 0; sent < events;) {
      for (Beat& beat : beats) beat.number = sent++;
      const PublishResult result =
          batch == 1 ? publisher.publish(beats.front()) : publisher.publish(std::span<const Beat>(beats));
      HEADRACE_CHECK("bench.publish", static_cast<bool>(result), "the bus refused an event");
    }
    (void)bus.stop(std::chrono::seconds(60));
    seconds = std::chrono::duration<double>(Clock::now() - began).count();
  });
  HEADRACE_CHECK("bench.dispatch", sum == events * (events - 1) / 2, "the bus lost or doubled an event");
  return static_cast<double>(events) / seconds;
}

double percentile(std::vector<double>& values, double percent) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(percent / 100.0 * static_cast<double>(values.size() - 1))];
}

/// On a machine that others keep busy each answer may take a time slice: then there are fewer of them.
constexpr std::chrono::milliseconds kLatencyBudget{500};

/// From publish to handler, one event at a time, each after `silence`.
std::vector<double> latencies_ns(std::pair<int, int> cpus, Wait wait, std::chrono::nanoseconds silence,
                                 std::size_t count) {
  const PairWait waiting(cpus);
  std::vector<double> all;
  std::atomic<std::int64_t> heard_ns{0};
  Bus bus(one_worker_on(cpus.second, wait));
  const auto handled = bus.subscribe<Beat8>([&heard_ns](const Beat8&) {
    heard_ns.store(Clock::now().time_since_epoch().count(), std::memory_order_release);
  });
  bus.start();
  on_cpu(cpus.first, [&] {
    Publisher publisher = bus.publisher();
    const auto until = Clock::now() + kLatencyBudget;
    for (std::size_t i = 0; i < count && Clock::now() < until; ++i) {
      if (silence.count() > 0) std::this_thread::sleep_for(silence);
      heard_ns.store(0, std::memory_order_relaxed);  // no partner: the handler is not running
      const std::int64_t sent_ns = Clock::now().time_since_epoch().count();
      (void)publisher.publish(Beat8{i});
      std::int64_t heard = 0;
      while ((heard = heard_ns.load(std::memory_order_acquire)) == 0) waiting.once();
      all.push_back(static_cast<double>(heard - sent_ns));
    }
  });
  (void)bus.stop(std::chrono::seconds(10));
  return all;
}

/// The same with nothing but a futex between two threads.
std::vector<double> futex_latencies_ns(std::pair<int, int> cpus, std::chrono::nanoseconds silence,
                                       std::size_t count) {
  const PairWait waiting(cpus);
  std::vector<double> all;
  std::atomic<std::uint32_t> rung{0};
  std::atomic<std::int64_t> heard_ns{0};
  const auto sleeper = [&] {
    for (std::uint32_t seen = 0; seen < count;) {
      while (rung.load(std::memory_order_acquire) == seen) futex_wait(&rung, seen, kNoDeadline);
      ++seen;
      heard_ns.store(Clock::now().time_since_epoch().count(), std::memory_order_release);
    }
  };
  const auto ringer = [&] {
    for (std::size_t i = 0; i < count; ++i) {
      std::this_thread::sleep_for(silence);
      heard_ns.store(0, std::memory_order_relaxed);  // no partner: the sleeper sleeps
      const std::int64_t sent_ns = Clock::now().time_since_epoch().count();
      rung.fetch_add(1, std::memory_order_release);
      futex_wake_all(&rung);
      std::int64_t heard = 0;
      while ((heard = heard_ns.load(std::memory_order_acquire)) == 0) waiting.once();
      all.push_back(static_cast<double>(heard - sent_ns));
    }
  };
  run_pair(cpus, ringer, sleeper);
  return all;
}

/// What an idle bus uses of a core, in percent, once it has had time to fall asleep.
double idle_percent(std::pair<int, int> cpus, Wait wait) {
  Bus bus(one_worker_on(cpus.second, wait));
  const auto handled = bus.subscribe<Beat8>([](const Beat8&) {});
  bus.start();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const double before = own_processor_seconds();
  const auto began = Clock::now();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const double took = std::chrono::duration<double>(Clock::now() - began).count();
  const double used = own_processor_seconds() - before;
  (void)bus.stop(std::chrono::seconds(10));
  return 100.0 * used / took;
}

template <class Beat>
BenchRow dispatch_row(const BenchOptions& options, std::pair<int, int> cpus, std::size_t batch) {
  const std::string name =
      fmt::format("dispatch.{}b.{}", sizeof(Beat), batch == 1 ? "single" : fmt::format("batch{}", batch));
  return summarize_rates(name, measure_rates(options.runs, [&](std::uint64_t events) {
                           return events_a_second<Beat>(cpus, batch, events);
                         }));
}

template <class Measure>
void add_latency(const BenchOptions& options, const std::string& name, std::vector<BenchRow>& rows,
                 Measure measure) {
  std::vector<double> p50;
  std::vector<double> p99;
  for (std::size_t run = 0; run < options.runs; ++run) {
    std::vector<double> latencies = measure();
    p50.push_back(percentile(latencies, 50));
    p99.push_back(percentile(latencies, 99));
  }
  rows.push_back(summarize(name + ".p50", "ns", std::move(p50)));
  rows.push_back(summarize(name + ".p99", "ns", std::move(p99)));
}

}  // namespace

std::vector<BenchRow> measure_dispatch(const BenchOptions& options, std::pair<int, int> cpus) {
  std::vector<BenchRow> rows;
  rows.push_back(dispatch_row<Beat8>(options, cpus, 1));
  rows.push_back(dispatch_row<Beat8>(options, cpus, 256));
  rows.push_back(dispatch_row<Beat64>(options, cpus, 1));
  rows.push_back(dispatch_row<Beat64>(options, cpus, 256));
  add_latency(options, "latency.awake", rows, [&] { return latencies_ns(cpus, Wait::spin_yield, {}, 5'000); });
  return rows;
}

std::vector<BenchRow> measure_idle(const BenchOptions& options, std::pair<int, int> cpus) {
  constexpr std::chrono::milliseconds kSilence{10};
  constexpr std::size_t kWakes = 20;
  std::vector<BenchRow> rows;
  for (const auto& [wait, name] : {std::pair{Wait::adaptive, "adaptive"}, std::pair{Wait::park, "park"}}) {
    std::vector<double> percents;
    for (std::size_t run = 0; run < std::min<std::size_t>(options.runs, 3); ++run)
      percents.push_back(idle_percent(cpus, wait));
    rows.push_back(summarize(fmt::format("idle.{}", name), "% of a core", std::move(percents)));
    add_latency(options, fmt::format("wake.{}", name), rows,
                [&, wait = wait] { return latencies_ns(cpus, wait, kSilence, kWakes); });
  }
  add_latency(options, "wake.bare_futex", rows, [&] { return futex_latencies_ns(cpus, kSilence, kWakes); });
  return rows;
}

}  // namespace headrace::program
