// publisher (first cpu) ──► bus ──► 4 handlers, called in turn (second cpu)
//
// Question: what do three more subscribers on the same worker cost? The event crosses once, so little. 64 bytes,
// at most 8,192 in flight; each handler adds up and counts for itself. The peer is Headrace with one handler.

#include <cstdint>
#include <vector>

#include "harness/bench.hpp"
#include "scenario/events.hpp"
#include "scenario/tally.hpp"

namespace headrace::bench {
namespace {

Measure time_with(std::size_t handlers) {
  return [handlers](Context& context) {
    return context.nanoseconds_each([&](std::uint64_t events) {
      Tallies tallies;
      Bus bus(
          {.workers = 1, .pin = Pin::cpus({context.cpus()[1]}), .lane_bytes = kInFlightMax * sizeof(Sample<0>)});
      std::vector<Subscription> subscriptions;
      for (std::size_t i = 0; i < handlers; ++i) {
        subscriptions.push_back(bus.subscribe<Sample<0>>(
            {.worker = 0}, [&tally = tallies[i]](const Sample<0>& event) { tally.add(event.value); }));
      }
      bus.start();
      const double seconds = seconds_together(context.cpus(), Placement::pinned, {[&] {
                                                Publisher publisher = bus.publisher();
                                                for (std::uint64_t value = 1; value <= events; ++value) {
                                                  if (!publisher.publish(Sample<0>::of(value))) std::abort();
                                                }
                                                tallies.wait_for(handlers * events);
                                              }});
      tallies.require_sum(events, handlers);
      return seconds;
    });
  };
}

}  // namespace

HEADRACE_BENCH_ROW("dispatch.fanout4", .unit = "ns", .better = Better::lower) {
  row.ours(time_with(4));
  row.peer("headrace with one handler", time_with(1), everywhere(1.3));
}

}  // namespace headrace::bench
