// publisher (first cpu) ──► bus ──► handler (second cpu)          one event every 10 us, 1 us, 200 ns, 50 ns
//
// Question: how long is an event under way while events stream slower than the bus could take them? A worker lingers
// between looks for the sake of the rate (dispatch/linger.hpp); this is what it costs. 64 bytes each, stamped when
// they are published; a publisher that was stopped catches up, without a stamp from before. The figure is the median;
// p90 and p99 are notes. Peers: the bus with Wait::spin, and a bare lane whose consumer looks at once.

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "harness/bench.hpp"
#include "headrace/base/clock.hpp"
#include "headrace/base/hints.hpp"
#include "headrace/ring/lane.hpp"
#include "scenario/events.hpp"

namespace headrace::bench {
namespace {

using Stamped = Sample<0>;  // its value: the cycles when it was published

class Delays {
 public:
  /// All of its memory is there before the first event: a page that has to be got holds up many.
  explicit Delays(std::uint64_t events) : cycles_(events) {}

  void handled(const Stamped& event) { cycles_[size_++] = static_cast<double>(cycles() - event.value); }
  [[nodiscard]] std::uint64_t size() const { return size_; }

  double p50_with_notes(Context& context) const {
    context.note("p90 ns", ns(0.9));
    context.note("p99 ns", ns(0.99));
    return ns(0.5);
  }

 private:
  [[nodiscard]] double ns(double share) const {
    return static_cast<double>(cycles_to_ns(static_cast<std::uint64_t>(percentile(cycles_, share))));
  }

  std::vector<double> cycles_;
  std::uint64_t size_ = 0;
};

struct Pace {
  double ns_each;

  [[nodiscard]] std::uint64_t events(const Context& context) const {
    return static_cast<std::uint64_t>(context.seconds_per_run() * 1e9 / ns_each);
  }
  template <class Publish>
  void run(std::uint64_t events, Publish publish) const {
    constexpr std::uint64_t kManyCycles = 1'000'000;
    const double cycles_each = ns_each * kManyCycles / static_cast<double>(cycles_to_ns(kManyCycles));
    const std::uint64_t started = cycles();
    for (std::uint64_t i = 0; i < events; ++i) {
      const auto due = started + static_cast<std::uint64_t>(static_cast<double>(i) * cycles_each);
      while (cycles() < due) {
      }
      publish(Stamped::of(cycles()));
    }
  }
};

double headrace_delay(Context& context, Pace pace, Wait wait) {
  const std::uint64_t events = pace.events(context);
  Delays delays(events);
  Bus bus({.workers = 1,
           .pin = Pin::cpus({context.cpus()[1]}),
           .wait = wait,
           .lane_bytes = kInFlightMax * sizeof(Stamped)});
  const auto handler = bus.subscribe<Stamped>([&](const Stamped& event) { delays.handled(event); });
  bus.start();
  static_cast<void>(seconds_together(context.cpus(), Placement::pinned, {[&] {
                                       auto publisher = bus.publisher();
                                       pace.run(events, [&](const Stamped& event) {
                                         if (!publisher.publish(event)) std::abort();
                                       });
                                     }}));
  Context::require(bus.stop(std::chrono::seconds(10)).drained && delays.size() == events, "all were handled");
  return delays.p50_with_notes(context);
}

double lane_delay(Context& context, Pace pace) {
  const std::uint64_t events = pace.events(context);
  Delays delays(events);
  Lane lane(kInFlightMax * sizeof(Stamped));
  constexpr FrameKind kKind{1, sizeof(Stamped), alignof(Stamped)};
  static_cast<void>(context.run_pinned(
      [&] {
        auto& producer = lane.producer();
        pace.run(events, [&](const Stamped& event) {
          std::byte* place = producer.try_claim(kKind, 1, Lane::Run::closed);
          for (; place == nullptr; place = producer.try_claim(kKind, 1, Lane::Run::closed)) pause();
          std::construct_at(reinterpret_cast<Stamped*>(place), event);
          producer.commit();
        });
      },
      [&] {
        auto& consumer = lane.consumer();
        for (Lane::Frame frame; delays.size() < events;) {
          if (!consumer.peek(frame)) continue;
          const auto* at = reinterpret_cast<const Stamped*>(consumer.payload(frame));
          for (std::uint32_t i = 0; i < frame.count; ++i) delays.handled(at[i]);
          consumer.consume(frame.count);
        }
      }));
  return delays.p50_with_notes(context);
}

void describe(Row& row, Pace pace) {
  row.ours([=](Context& context) { return headrace_delay(context, pace, Wait::adaptive); });
  row.peer("headrace with Wait::spin",
           [=](Context& context) { return headrace_delay(context, pace, Wait::spin); });
  row.peer("bare lane, chasing", [=](Context& context) { return lane_delay(context, pace); });
}

}  // namespace

HEADRACE_BENCH_ROW("dispatch.delay.100k", .unit = "ns", .better = Better::lower) { describe(row, {10'000}); }
HEADRACE_BENCH_ROW("dispatch.delay.1m", .unit = "ns", .better = Better::lower) { describe(row, {1'000}); }
HEADRACE_BENCH_ROW("dispatch.delay.5m", .unit = "ns", .better = Better::lower) { describe(row, {200}); }
HEADRACE_BENCH_ROW("dispatch.delay.20m", .unit = "ns", .better = Better::lower) { describe(row, {50}); }

}  // namespace headrace::bench
