//   first cpu ──► ring ──► second cpu ──► ring ──► first cpu
//
// Question: how long does an 8-byte event take there and back, when both sides spin without a pause?
// Peers: boost::lockfree::spsc_queue, moodycamel::ReaderWriterQueue, and a flag in the value's line with no ring.

#include "harness/bench.hpp"
#include "micro/ring_contenders.hpp"
#include "micro/ring_machine.hpp"

namespace headrace::bench {
namespace {

template <class Queue>
double round_trip(Context& context) {
  return context.nanoseconds_each([&](std::uint64_t trips) {
    const auto there = std::make_unique<Queue>();
    const auto back = std::make_unique<Queue>();
    std::uint64_t sum = 0;
    const double seconds = context.run_pinned(
        [&] {
          auto producer = there->producer();
          auto consumer = back->consumer();
          for (std::uint64_t i = 1; i <= trips; ++i) {
            while (!producer.push(i)) {
            }
            std::uint64_t event = 0;
            while (!consumer.pop(event)) {
            }
            sum += event;
          }
        },
        [&] {
          auto producer = back->producer();
          auto consumer = there->consumer();
          for (std::uint64_t i = 1; i <= trips; ++i) {
            std::uint64_t event = 0;
            while (!consumer.pop(event)) {
            }
            while (!producer.push(event)) {
            }
          }
        });
    Context::require(sum == expected_sum<std::uint64_t>(trips), "sum of payloads");
    return seconds;
  });
}

HEADRACE_BENCH_ROW("ring.spsc.roundtrip", .unit = "ns", .better = Better::lower) {
  using Event = std::uint64_t;
  row.ours(round_trip<OurSpsc<Event>>);
  row.peer(kBoostSpsc, round_trip<BoostSpsc<Event>>, Target{.far = 0.6, .near = 0.75});
  row.peer(kReaderWriter, round_trip<ReaderWriter<Event>>);
  row.peer("bare flag in the line", bare_round_trip, everywhere(1.1));
  row.peer("headrace SpscSpanRing", round_trip<OurSpan<Event>>);
}

}  // namespace
}  // namespace headrace::bench
