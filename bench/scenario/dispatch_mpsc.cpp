// 8 publishers ──► bus ──► 2 workers          (10 threads on 2 cpus, none pinned)
//
// Question: what is left when there are more threads than cores, so that a publisher or a worker is stopped at any
// moment and somebody waits for it? 64 bytes each, at most 8,192 in flight over all publishers. Headrace sends
// each key to its worker; the peers hand an event to whichever worker is free, and keep no order.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "harness/bench.hpp"
#include "peers/disruptor.hpp"
#include "peers/in_flight.hpp"
#include "peers/variant_bus.hpp"
#include "scenario/events.hpp"
#include "scenario/tally.hpp"

namespace headrace::bench {
namespace {

constexpr unsigned kPublishers = 8;
constexpr unsigned kWorkers = 2;

/// `publish_all(first, last)` runs on each publisher's thread with its share of the values.
template <class PublishAll>
double seconds_free(const Context& context, const Tallies& tallies, std::uint64_t events, PublishAll publish_all) {
  std::vector<std::function<void()>> publishers;
  const std::uint64_t share = (events + kPublishers - 1) / kPublishers;
  for (unsigned i = 0; i < kPublishers; ++i) {
    publishers.push_back([&, i, share] {
      publish_all(i * share + 1, std::min(events, (i + 1) * share));
      if (i == 0) tallies.yield_until(events);
    });
  }
  return context.run_free(publishers);
}

double headrace_mpsc(Context& context) {
  return context.millions_per_second([&](std::uint64_t events) {
    Tallies tallies;
    InFlightLimit limit{tallies, Waiting::yield};
    Bus bus({.workers = kWorkers, .lane_bytes = kInFlightMax * sizeof(KeyedSample)});
    const auto all = bus.subscribe<KeyedSample>(
        {.placement = headrace::Placement::sharded},
        [&](const KeyedSample& event, headrace::Context& on) { tallies[on.worker()].add(event.value); });
    bus.start();
    const double seconds = seconds_free(context, tallies, events, [&](std::uint64_t first, std::uint64_t last) {
      Publisher publisher = bus.publisher();
      InFlight in_flight(limit);
      for (std::uint64_t value = first; value <= last; ++value) {
        if (!publisher.publish(KeyedSample::of(value))) std::abort();
        in_flight.sent(1);
      }
    });
    tallies.require_sum(events);
    return seconds;
  });
}

double variant_mpsc(Context& context) {
  return context.millions_per_second([&](std::uint64_t events) {
    Tallies tallies;
    VariantBus<KeyedSample> bus({.workers = kWorkers}, tallies);
    const double seconds = seconds_free(context, tallies, events, [&](std::uint64_t first, std::uint64_t last) {
      auto publisher = bus.publisher();
      for (std::uint64_t value = first; value <= last; ++value) publisher.publish(KeyedSample::of(value));
    });
    tallies.require_sum(events);
    return seconds;
  });
}

}  // namespace

HEADRACE_BENCH_ROW("dispatch.mpsc8", .unit = "M/s") {
  row.ours(headrace_mpsc);
  row.peer("best by hand: moodycamel 1.0.3 of variant", variant_mpsc, everywhere(4));
#if defined(HEADRACE_BENCH_DISRUPTOR)
  row.peer("LMAX Disruptor 3.4.4, yielding", disruptor("mpsc8", "yielding", DisruptorThreads::free),
           everywhere(12));
  row.peer("LMAX Disruptor 3.4.4, busy", disruptor("mpsc8", "busy", DisruptorThreads::free), everywhere(12));
#endif
}

}  // namespace headrace::bench
