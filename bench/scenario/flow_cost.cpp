// publisher (first cpu) ──► bus ──► handler (second cpu)
//
// Question: what does it cost to count who publishes what to which topic (Flow::counted), where it hurts most, with
// 64-byte events published one at a time? Without counts it costs nothing: the shortest way does not ask.

#include <cstdint>
#include <cstdlib>
#include <span>

#include "scenario/headrace_bus.hpp"
#include "scenario/throughput.hpp"

namespace headrace::bench {
namespace {

template <Flow kFlow>
class BusThatCounts {
 public:
  BusThatCounts(int cpu, Tallies& tallies)
      : bus_({.workers = 1, .pin = Pin::cpus({cpu}), .flow = kFlow}),
        subscription_(bus_.subscribe<Sample<0>>([&tally = tallies[0]](std::span<const Sample<0>> events) {
          for (const Sample<0>& event : events) tally.add(event.value);
        })) {
    bus_.start();
  }
  [[nodiscard]] Publisher publisher() { return bus_.publisher(); }

 private:
  Bus bus_;
  Subscription subscription_;
};

template <Flow kFlow>
double one_at_a_time_with(Context& context) {
  return dispatch_rate<BusThatCounts<kFlow>>(context, [](auto& publisher, std::uint64_t events) {
    for (std::uint64_t value = 1; value <= events; ++value) {
      if (!publisher.publish(Sample<0>::of(value))) std::abort();
    }
  });
}

}  // namespace

HEADRACE_BENCH_ROW("flow.counted", .unit = "M/s") {
  row.ours(one_at_a_time_with<Flow::counted>);
  row.peer("headrace without counts", one_at_a_time_with<Flow::not_counted>, everywhere(0.7));
}

}  // namespace headrace::bench
