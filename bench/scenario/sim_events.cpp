//   publisher ──► two workers ──► handler       (one thread: the scheduler of SimulatedBus)
//
// Question: how many events a second does a simulation run (10^6 are wanted), and what do kept order and retries
// cost it? 16 bytes, sharded by key; from the first event told to the publisher until the bus is quiet. There is
// no peer: the second row is the same simulation with one event in a hundred retried.

#include <chrono>
#include <cstdint>

#include "harness/bench.hpp"
#include "headrace/simulation/simulated_bus.hpp"
#include "scenario/events.hpp"

namespace headrace::bench {
namespace {

struct Simulated {
  std::uint64_t key, value;
};
HEADRACE_EVENT(Simulated, "bench.simulated", key(key), key, value)

Measure simulate(SubscribeOptions how, std::uint32_t fails_each) {
  return [=](Context& context) {
    return context.millions_per_second([&](std::uint64_t events) {
      SimulatedBus sim{{.seed = 1, .workers = 2}};
      std::uint64_t handled = 0;
      const auto sub = sim.subscribe<Simulated>(how, [&](const Simulated& e, headrace::Context& c) -> Outcome {
        if (fails_each != 0 && e.value % fails_each == 0 && c.attempt() == 1) return retry();
        ++handled;
        return done();
      });
      SimulatedPublisher& publisher = sim.publisher();
      const auto start = std::chrono::steady_clock::now();
      for (std::uint64_t i = 0; i < events; ++i) publisher.publish(Simulated{i % 64, i});
      static_cast<void>(sim.run_until_quiet());
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
      Context::require(handled == events, "sim: an event is missing");
      return took.count();
    });
  };
}

HEADRACE_BENCH_ROW("sim.events", .unit = "M/s", .cores = Cores::one) {
  row.ours(simulate({.placement = headrace::Placement::sharded}, 0));
  row.peer("headrace simulated, ordered, 1 in 100 is retried",
           simulate({.placement = headrace::Placement::sharded,
                     .ordered = true,
                     .retry = fixed(std::chrono::milliseconds(1), 3)},
                    100));
}

}  // namespace
}  // namespace headrace::bench
