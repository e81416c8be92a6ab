#include "harness/threads.hpp"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

namespace headrace::bench {
namespace {

using Clock = std::chrono::steady_clock;

void set_affinity(const Cpus& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(static_cast<unsigned>(cpu), &set);
  if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) {
    std::fprintf(stderr, "headrace-bench: cannot run on cpu %d; see --cpus\n", cpus.front());
    std::exit(2);
  }
}

bool is_first_of_its_core(int cpu) {
  std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
  int first = cpu;
  file >> first;
  return !file || first == cpu;
}

/// Threads wait here with a yield, since there may be more of them than processors.
class StartBarrier {
 public:
  explicit StartBarrier(std::size_t threads) : missing_(threads) {}

  void arrive_and_wait() {
    missing_.fetch_sub(1, std::memory_order_acq_rel);                                 // B1 -> B2
    while (missing_.load(std::memory_order_acquire) != 0) std::this_thread::yield();  // B2 <- B1
  }

 private:
  std::atomic<std::size_t> missing_;
};

}  // namespace

Cpus allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  Cpus cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<unsigned>(cpu), &set)) cpus.push_back(cpu);
  }
  std::stable_partition(cpus.begin(), cpus.end(), is_first_of_its_core);
  return cpus;
}

void pin_this_thread(int cpu) { set_affinity({cpu}); }

double seconds_together(const Cpus& cpus, Placement placement,
                        const std::vector<std::function<void()>>& functions) {
  struct Span {
    Clock::time_point start, end;
  };
  std::vector<Span> spans(functions.size());
  std::vector<std::thread> threads;
  StartBarrier barrier(functions.size());
  for (std::size_t i = 0; i < functions.size(); ++i) {
    threads.emplace_back([&, i] {
      set_affinity(placement == Placement::pinned ? Cpus{cpus[i % cpus.size()]} : cpus);
      barrier.arrive_and_wait();
      const auto start = Clock::now();
      functions[i]();
      spans[i] = {start, Clock::now()};
    });
  }
  for (auto& thread : threads) thread.join();
  const auto first = std::ranges::min(spans, {}, &Span::start).start;
  const auto last = std::ranges::max(spans, {}, &Span::end).end;
  return std::chrono::duration<double>(last - first).count();
}

}  // namespace headrace::bench
