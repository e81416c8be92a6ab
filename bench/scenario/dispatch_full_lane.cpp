// publisher (first cpu) ──► bus ──► slow handler (second cpu)         the lane is full all the time
//
// Question: what does a publisher that waits for room cost the worker it waits for? 64 bytes each, a handler that
// takes some 50 ns, a lane of 8,192 events and the default policy, `block`: the rate should be the handler's. Peers: the
// handler alone, without anything to hand over; a bare lane whose producer tries until there is room.

#include <cstdint>
#include <memory>

#include "harness/bench.hpp"
#include "headrace/base/hints.hpp"
#include "headrace/ring/lane.hpp"
#include "scenario/events.hpp"

namespace headrace::bench {
namespace {

using Work = Sample<0>;

/// Multiplications that each wait for the one before, over all events.
class SlowHandler {
 public:
  void operator()(const Work& event) noexcept {
    for (int i = 0; i < 64; ++i) result_ *= event.value | 1;
    ++handled_;
  }
  [[nodiscard]] std::uint64_t handled() const noexcept { return handled_; }

 private:
  std::uint64_t result_ = 1;
  std::uint64_t handled_ = 0;
};

double headrace_full(Context& context) {
  return context.millions_per_second([&](std::uint64_t events) {
    SlowHandler handle;
    Bus bus({.workers = 1, .pin = Pin::cpus({context.cpus()[1]}), .lane_bytes = kInFlightMax * sizeof(Work)});
    const auto handler = bus.subscribe<Work>([&](const Work& event) { handle(event); });
    bus.start();
    const double seconds = seconds_together(context.cpus(), Placement::pinned, {[&] {
                                              auto publisher = bus.publisher();
                                              for (std::uint64_t value = 1; value <= events; ++value) {
                                                if (!publisher.publish(Work::of(value))) std::abort();
                                              }
                                              bus.stop(std::chrono::minutes(1));
                                            }});
    Context::require(handle.handled() == events, "all were handled");
    keep(handle);
    return seconds;
  });
}

double lane_full(Context& context) {
  return context.millions_per_second([&](std::uint64_t events) {
    SlowHandler handle;
    Lane lane(kInFlightMax * sizeof(Work));
    constexpr FrameKind kKind{1, sizeof(Work), alignof(Work)};
    const double seconds = context.run_pinned(
        [&] {
          auto& producer = lane.producer();
          for (std::uint64_t value = 1; value <= events; ++value) {
            std::byte* place = producer.try_claim(kKind, 1);
            for (; place == nullptr; place = producer.try_claim(kKind, 1)) pause();
            std::construct_at(reinterpret_cast<Work*>(place), Work::of(value));
            producer.commit();
          }
        },
        [&] {
          auto& consumer = lane.consumer();
          for (Lane::Frame frame; handle.handled() < events;) {
            if (!consumer.peek(frame)) continue;
            const auto* at = reinterpret_cast<const Work*>(consumer.payload(frame));
            for (std::uint32_t i = 0; i < frame.count; ++i) handle(at[i]);
            consumer.consume(frame.count);
          }
        });
    keep(handle);
    return seconds;
  });
}

double handler_alone(Context& context) {
  return context.millions_per_second([&](std::uint64_t events) {
    SlowHandler handle;
    const double seconds = context.run_pinned([] {},
                                              [&] {
                                                for (std::uint64_t value = 1; value <= events; ++value)
                                                  handle(Work::of(value));
                                              });
    keep(handle);
    return seconds;
  });
}

}  // namespace

HEADRACE_BENCH_ROW("dispatch.64b.full_lane", .unit = "M/s") {
  row.ours(headrace_full);
  row.peer("the handler alone", handler_alone);
  row.peer("bare lane", lane_full);
}

}  // namespace headrace::bench
