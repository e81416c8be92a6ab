//   publish 256 ──► poll ──► handler       (one thread, a polled bus, a clock that the bench moves)
//
// Questions: what does delivery cost a subscription that does not use it, and one that uses it while all goes well
// (off, on)? What does a handler_limit add to that, two uncontended locks and a look at the clock a call (watched)?
// What does one retry cost, beside the event's first try (retry)? 64 bytes; one thread, so that nothing but the code
// is measured. `off`: the worker has delivery for a neighbour, with retry, dead letters and
// deduplication; its peer is a bus without any. `dedup.adds`: what deduplication
// by event id adds, while 2^20 done events are remembered. `retry`: every event fails once and is tried again a
// millisecond later, beside the same events that go well at once; 256 are pending at a time, or 10^5, after as
// many have been pending before: the first time each one is an allocation.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "harness/bench.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/simulation/simulated_time.hpp"
#include "scenario/events.hpp"

namespace headrace::bench {
namespace {

using std::chrono::milliseconds;

constexpr std::uint64_t kRun = 256;

struct Polled {
  SimulatedTime time;
  Bus bus;
  std::vector<Subscription> subscriptions;
  std::uint64_t handled = 0;

  explicit Polled(std::uint32_t timers_max = 65'536)
      : bus({.workers = 0, .lane_bytes = std::size_t{1} << 18, .time = time.source()},
            {.timers_max = timers_max, .seed = 1}) {}

  void neighbour_with_delivery() {
    SubscribeOptions how{.retry = fixed(milliseconds(1), 3)};
    how.deduplicated = Deduplicated{};
    how.dead_letters = std::make_shared<MemoryDeadLetterStore>();
    subscriptions.push_back(bus.subscribe<Sample<1>>(how, [](const Sample<1>&) {}));
  }
  void plain(const SubscribeOptions& how = {}) {
    subscriptions.push_back(
        bus.subscribe<Sample<0>>(how, [this](const Sample<0>& e) { handled += e.value != 0; }));
  }

  double seconds_for(std::uint64_t events, std::uint64_t run = kRun, bool time_moves = false) {
    bus.start();
    Publisher publisher = bus.publisher();
    std::uint64_t made = 0;
    const auto one_run = [&] {
      for (std::uint64_t i = 1; i <= run;) {
        for (const std::uint64_t end = std::min(run, i + kRun - 1); i <= end; ++i) {
          if (!publisher.publish(Sample<0>::of(i))) std::abort();
        }
        bus.poll();
      }
      made += run;
      if (time_moves) {
        time.move_by(milliseconds(2));
        while (handled < made) bus.poll();
      }
    };
    one_run();  // from here on as many have been pending before, and their memory is there
    const std::uint64_t runs = (events + run - 1) / run;
    const auto start = std::chrono::steady_clock::now();
    for (std::uint64_t r = 0; r < runs; ++r) one_run();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    Context::require(handled == made, "delivery: an event is missing");
    return took.count() * static_cast<double>(events) / static_cast<double>(runs * run);
  }
};

double without(Context& context) {
  return context.nanoseconds_each([](std::uint64_t events) {
    Polled polled;
    polled.plain();
    return polled.seconds_for(events);
  });
}

double off(Context& context) {
  return context.nanoseconds_each([](std::uint64_t events) {
    Polled polled;
    polled.neighbour_with_delivery();
    polled.plain();
    return polled.seconds_for(events);
  });
}

double on_and_well(Context& context) {
  return context.nanoseconds_each([](std::uint64_t events) {
    Polled polled;
    SubscribeOptions how{.retry = fixed(milliseconds(1), 3)};
    how.dead_letters = std::make_shared<MemoryDeadLetterStore>();
    polled.plain(how);
    return polled.seconds_for(events);
  });
}

double watched(Context& context) {
  return context.nanoseconds_each([](std::uint64_t events) {
    Polled polled;
    SubscribeOptions how{.retry = fixed(milliseconds(1), 3), .handler_limit = std::chrono::hours(1)};
    how.dead_letters = std::make_shared<MemoryDeadLetterStore>();
    polled.plain(how);
    return polled.seconds_for(events);
  });
}

/// Every event has an id of its own. With deduplication 2^20 done events are remembered.
double with_ids(std::uint64_t events, bool deduplicated) {
  constexpr std::uint32_t kRemembered = 1U << 20;
  Polled polled;
  SubscribeOptions how{.retry = fixed(milliseconds(1), 3)};
  if (deduplicated) how.deduplicated = Deduplicated{.window = {.events_max = kRemembered}};
  polled.plain(how);
  polled.bus.start();
  Publisher publisher = polled.bus.publisher();
  std::uint64_t made = 0;
  const auto run = [&](std::uint64_t runs) {
    for (std::uint64_t r = 0; r < runs; ++r) {
      for (std::uint64_t i = 0; i < kRun; ++i) {
        const EventId id{0x018b'cfe5'6800'7000 + (++made >> 10), mix64(made)};
        if (!publisher.publish(Sample<0>::of(made), PublishOptions{.id = id})) std::abort();
      }
      polled.bus.poll();
    }
  };
  if (deduplicated) run(kRemembered / kRun + 1);
  const std::uint64_t runs = (events + kRun - 1) / kRun;
  const auto start = std::chrono::steady_clock::now();
  run(runs);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  Context::require(polled.handled == made, "delivery: an event is missing");
  return took.count() * static_cast<double>(events) / static_cast<double>(runs * kRun);
}

/// Each event once, or twice with a wait in between.
double tries(std::uint64_t events, std::uint64_t pending, std::uint32_t tries_each) {
  Polled polled{static_cast<std::uint32_t>(pending) + 1024};
  polled.subscriptions.push_back(polled.bus.subscribe<Sample<0>>(
      {.retry = fixed(milliseconds(1), 3), .dead_letters = std::make_shared<MemoryDeadLetterStore>()},
      [&](const Sample<0>&, headrace::Context& c) -> Outcome {
        if (c.attempt() < tries_each) return retry();
        ++polled.handled;
        return done();
      }));
  return polled.seconds_for(events, pending, true);
}

Measure retry_of(std::uint64_t pending) {
  return [=](Context& context) {
    return context.nanoseconds_each(
        [&](std::uint64_t events) { return tries(events, pending, 2) - tries(events, pending, 1); });
  };
}

HEADRACE_BENCH_ROW("delivery.off", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  row.ours(off);
  row.peer("headrace without delivery", without, everywhere(1.03));
}

HEADRACE_BENCH_ROW("delivery.on", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  row.ours(on_and_well);
  row.peer("headrace without delivery", without);
}

HEADRACE_BENCH_ROW("delivery.watched", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  row.ours(watched);
  row.peer("headrace without a limit (on)", on_and_well);
}

HEADRACE_BENCH_ROW("delivery.dedup.adds", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  row.ours([](Context& context) {
    return context.nanoseconds_each(
        [](std::uint64_t events) { return with_ids(events, true) - with_ids(events, false); });
  });
  row.peer(
      "the aim: 40 ns", [](Context&) { return 40.0; }, everywhere(1));
}

HEADRACE_BENCH_ROW("delivery.retry", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  row.ours(retry_of(kRun));
  row.peer(
      "the aim: 100 ns", [](Context&) { return 100.0; }, everywhere(1));
  row.peer("headrace with 10^5 pending", retry_of(100'000));
}

}  // namespace
}  // namespace headrace::bench
