//   producer (first cpu) ──► ring of 1,024 slots ──► consumer (second cpu)
//
// Question: how many events a second pass when nothing is batched by the caller, of 8 and of 64 bytes?
// Peers: boost::lockfree::spsc_queue, moodycamel::ReaderWriterQueue; the same capacity and the same pause after a
// refusal. SpscRing rounds its capacity up to whole groups: 1,029 slots of 8 bytes.

#include "harness/bench.hpp"
#include "headrace/base/hints.hpp"
#include "micro/ring_contenders.hpp"

namespace headrace::bench {
namespace {

template <class Event, class Queue>
double one_at_a_time(Context& context) {
  return context.millions_per_second([&](std::uint64_t count) {
    const auto queue = std::make_unique<Queue>();
    std::uint64_t sum = 0;
    const double seconds = context.run_pinned(
        [&] {
          auto producer = queue->producer();
          for (std::uint64_t i = 1; i <= count; ++i) {
            // Made within the loop, so that no copy on the stack stands in the way of the stores to the ring.
            while (!producer.push(event_of<Event>(i))) pause();
          }
        },
        [&] {
          auto consumer = queue->consumer();
          std::uint64_t own_sum = 0;
          Event event{};
          for (std::uint64_t i = 0; i < count; ++i) {
            while (!consumer.pop(event)) pause();
            own_sum += sum_of(event);
          }
          sum = own_sum;
        });
    Context::require(sum == expected_sum<Event>(count), "sum of payloads");
    return seconds;
  });
}

HEADRACE_BENCH_ROW("ring.spsc.8b.single", .unit = "M/s") {
  using Event = std::uint64_t;
  row.ours(one_at_a_time<Event, OurSpsc<Event>>);
  row.peer(kBoostSpsc, one_at_a_time<Event, BoostSpsc<Event>>, Target{.far = 3.5, .near = 2.8});
  row.peer(kReaderWriter, one_at_a_time<Event, ReaderWriter<Event>>, Target{.far = 9, .near = 1.5});
  row.peer("headrace SpscSpanRing", one_at_a_time<Event, OurSpan<Event>>);
}

HEADRACE_BENCH_ROW("ring.spsc.64b.single", .unit = "M/s") {
  row.ours(one_at_a_time<Line, OurSpsc<Line>>);
  row.peer(kBoostSpsc, one_at_a_time<Line, BoostSpsc<Line>>, Target{.far = 1.5, .near = 2.0});
  row.peer(kReaderWriter, one_at_a_time<Line, ReaderWriter<Line>>);
  row.peer("headrace SpscSpanRing", one_at_a_time<Line, OurSpan<Line>>);
}

}  // namespace
}  // namespace headrace::bench
