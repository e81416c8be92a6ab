// publisher (first cpu) ── after 10 ms of silence ──► parked worker (second cpu)
//
// Question: what does a bus cost that has nothing to do, and how late is it then? Processor time is the whole
// process's over a second, as a share of one core. The wake-up is measured from before the publish to the start of
// the handler; its peer is a thread in FUTEX_WAIT, woken by FUTEX_WAKE: what the kernel and the machine charge
// anyway.

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <thread>
#include <vector>

#include "harness/bench.hpp"
#include "scenario/events.hpp"

namespace headrace::bench {
namespace {

constexpr auto kIdle = std::chrono::seconds(1);
constexpr auto kSilence = std::chrono::milliseconds(10);
constexpr int kWakes = 40;

double process_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

Measure idle_share(Wait wait) {
  return [wait](Context& context) {
    Bus bus({.workers = 1, .pin = Pin::cpus({context.cpus()[1]}), .wait = wait});
    std::atomic<bool> seen{false};
    const auto subscription = bus.subscribe<Sample<0>>([&](const Sample<0>&) {
      seen.store(true, std::memory_order_relaxed);  // no partner: nothing else is read
    });
    bus.start();
    if (!bus.publish(Sample<0>::of(1))) std::abort();
    while (!seen.load(std::memory_order_relaxed)) std::this_thread::yield();  // no partner: nothing else is read
    std::this_thread::sleep_for(kSilence);                                    // the worker has spun and parked
    const double before = process_seconds();
    std::this_thread::sleep_for(kIdle);
    return 100 * (process_seconds() - before) / std::chrono::duration<double>(kIdle).count();
  };
}

/// `wake(stamp)` sends the stamp to the other thread, which answers through `woken` how old it was when it came.
template <class Send>
double median_wake(Context& context, std::atomic<std::uint64_t>& woken, Send send) {
  std::vector<double> ns;
  for (int i = 0; i < kWakes; ++i) {
    std::this_thread::sleep_for(kSilence);
    woken.store(0, std::memory_order_relaxed);  // no partner: who answers has not been woken yet
    send(now_ns());
    while (woken.load(std::memory_order_acquire) == 0) {  // K2 <- K1, K3
    }
    ns.push_back(static_cast<double>(woken.load(std::memory_order_relaxed)));  // no partner: seen above
  }
  context.note("p99 ns", percentile(ns, 0.99));
  return percentile(ns, 0.5);
}

double headrace_wake(Context& context) {
  std::atomic<std::uint64_t> woken{0};
  Bus bus({.workers = 1, .pin = Pin::cpus({context.cpus()[1]})});
  const auto subscription = bus.subscribe<Sample<0>>([&](const Sample<0>& event) {
    woken.store(now_ns() - event.value, std::memory_order_release);  // K1 -> K2
  });
  bus.start();
  double answer = 0;
  static_cast<void>(seconds_together(context.cpus(), Placement::pinned, {[&] {
                                       Publisher publisher = bus.publisher();
                                       answer = median_wake(context, woken, [&](std::uint64_t stamp) {
                                         if (!publisher.publish(Sample<0>::of(stamp))) std::abort();
                                       });
                                     }}));
  return answer;
}

long futex(const std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) {
  return syscall(SYS_futex, reinterpret_cast<const std::uint32_t*>(&word), operation | FUTEX_PRIVATE_FLAG, value,
                 nullptr, nullptr, 0);
}

double futex_wake(Context& context) {
  std::atomic<std::uint64_t> woken{0};
  std::atomic<std::uint64_t> stamp{0};
  std::atomic<std::uint32_t> turn{0};
  double answer = 0;
  static_cast<void>(context.run_pinned(
      [&] {
        answer = median_wake(context, woken, [&](std::uint64_t now) {
          stamp.store(now, std::memory_order_relaxed);   // no partner: S1 publishes it
          turn.fetch_add(1, std::memory_order_release);  // S1 -> S2
          futex(turn, FUTEX_WAKE, INT_MAX);
        });
      },
      [&] {
        for (std::uint32_t seen = 0; seen < kWakes; ++seen) {
          while (turn.load(std::memory_order_acquire) == seen) futex(turn, FUTEX_WAIT, seen);  // S2 <- S1
          const std::uint64_t sent = stamp.load(std::memory_order_relaxed);  // no partner: S2 ordered it
          woken.store(now_ns() - sent, std::memory_order_release);           // K3 -> K2
        }
      }));
  return answer;
}

}  // namespace

HEADRACE_BENCH_ROW("idle.cpu", .unit = "%", .better = Better::lower, .cores = Cores::one) {
  row.ours(idle_share(Wait::adaptive));
  row.peer(
      "the aim: 0.2 %", [](Context&) { return 0.2; }, everywhere(1));
  row.peer("headrace with Wait::park", idle_share(Wait::park));
}

HEADRACE_BENCH_ROW("idle.wakeup", .unit = "ns", .better = Better::lower) {
  row.ours(headrace_wake);
  row.peer("bare futex wake", futex_wake, everywhere(1.2));
}

}  // namespace headrace::bench
