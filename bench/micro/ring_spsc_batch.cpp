//   producer (first cpu) ──► ring ──► consumer (second cpu), which reads in place
//
// Question: how many events a second pass in batches? Of 8 and of 64 bytes, 256 at a time through 1,024 slots; and of
// 8 bytes 64 KiB at a time through 512 KiB. The producer fills a buffer and pushes it whole, and of 64 KiB at a time
// builds the events in the ring, which no peer can; the consumer sums the events. Peers: boost::lockfree::spsc_queue, by pop into a buffer and by consume_all; moodycamel's ReaderWriterQueue,
// which knows no batches and passes one event by event; and the bare hand-over of a buffer of 64 KiB, written in place
// by non-temporal stores and passed by one flag.

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/bench.hpp"
#include "headrace/base/hints.hpp"
#include "micro/ring_contenders.hpp"
#include "micro/ring_machine.hpp"

namespace headrace::bench {
namespace {

template <class Event>
[[nodiscard]] std::uint64_t sum_of_all(std::span<const Event> events, std::uint64_t sum) {
  for (const Event& event : events) sum += sum_of(event);
  return sum;
}

/// Fills a buffer and pushes it.
template <class Event, std::size_t batch>
class Pushed {
 public:
  template <class Producer>
  void operator()(Producer& producer, std::uint64_t first) {
    for (std::size_t i = 0; i < batch; ++i) events_[i] = event_of<Event>(first + i);
    for (std::size_t done = 0; done < batch;) {
      const std::size_t pushed = push_some(producer, events_.data() + done, batch - done);
      if (pushed == 0) pause();
      done += pushed;
    }
  }

 private:
  std::vector<Event> events_ = std::vector<Event>(batch);
};

/// Builds the events in the ring.
template <class Event, std::size_t batch>
struct Built {
  template <class Producer>
  void operator()(Producer& producer, std::uint64_t first) const {
    for (std::size_t done = 0; done < batch;) {
      const std::size_t pushed = producer.handle.try_emplace_n(
          batch - done, [from = first + done](std::size_t i) { return event_of<Event>(from + i); });
      if (pushed == 0) pause();
      done += pushed;
    }
  }
};

/// `drain(consumer, sum)` reads some events and answers how many; `push(producer, first)` pushes a batch of the events
/// from that number on.
template <class Event, class Queue, std::size_t batch, class Drain, class Push = Pushed<Event, batch>>
double in_batches(Context& context, Drain drain, Push push = {}) {
  return context.millions_per_second([&](std::uint64_t wanted) {
    const std::uint64_t count = wanted / batch * batch + batch;
    const auto queue = std::make_unique<Queue>();
    std::uint64_t sum = 0;
    const double seconds = context.run_pinned(
        [&] {
          auto producer = queue->producer();
          for (std::uint64_t next = 1; next <= count; next += batch) push(producer, next);
        },
        [&] {
          auto consumer = queue->consumer();
          std::uint64_t own_sum = 0;
          for (std::uint64_t seen = 0; seen < count;) {
            const std::size_t some = drain(consumer, own_sum);
            if (some == 0) pause();
            seen += some;
          }
          sum = own_sum;
        });
    Context::require(sum == expected_sum<Event>(count), "sum of payloads");
    return seconds * static_cast<double>(wanted) / static_cast<double>(count);
  });
}

template <class Event, std::size_t slots, std::size_t batch, class Push = Pushed<Event, batch>>
double ours(Context& context) {
  return in_batches<Event, OurSpan<Event, slots>, batch>(
      context,
      [](auto& consumer, std::uint64_t& sum) {
        const auto all = consumer.handle.readable();
        const std::span<const Event> events = all.first(std::min(batch, all.size()));
        sum = sum_of_all(events, sum);
        consumer.handle.release(events.size());
        return events.size();
      },
      Push());
}
template <class Event, std::size_t batch>
double ours_in_groups(Context& context) {
  return in_batches<Event, OurSpsc<Event>, batch>(context, [](auto& consumer, std::uint64_t& sum) {
    return consumer.consume(batch, [&](const Event& event) { sum += sum_of(event); });
  });
}
template <class Event, std::size_t slots, std::size_t batch>
double boost_pop(Context& context) {
  return in_batches<Event, BoostSpsc<Event, slots>, batch>(
      context, [events = std::vector<Event>(batch)](auto& consumer, std::uint64_t& sum) mutable {
        const std::size_t count = consumer.pop(events.data(), batch);
        sum = sum_of_all(std::span<const Event>(events).first(count), sum);
        return count;
      });
}
template <class Event, std::size_t slots, std::size_t batch>
double boost_consume_all(Context& context) {
  return in_batches<Event, BoostSpsc<Event, slots>, batch>(context, [](auto& consumer, std::uint64_t& sum) {
    return consumer.consume_all([&](const Event& event) { sum += sum_of(event); });
  });
}
template <class Event, std::size_t batch>
double reader_writer(Context& context) {
  return in_batches<Event, ReaderWriter<Event>, batch>(context, [](auto& consumer, std::uint64_t& sum) {
    std::size_t count = 0;
    for (Event event; count < batch && consumer.pop(event); ++count) sum += sum_of(event);
    return count;
  });
}

constexpr const char* kBoostPop = "boost " BOOST_LIB_VERSION " lockfree::spsc_queue, pop";
constexpr const char* kBoostConsumeAll = "boost " BOOST_LIB_VERSION " lockfree::spsc_queue, consume_all";

template <class Event>
void batches_of_256(Row& row, std::optional<Target> of_boost) {
  row.ours(ours<Event, kSlots, 256>);
  row.peer(kBoostPop, boost_pop<Event, kSlots, 256>, of_boost);
  row.peer(kBoostConsumeAll, boost_consume_all<Event, kSlots, 256>, of_boost);
  row.peer(std::string(kReaderWriter) + ", one by one", reader_writer<Event, 256>);
  row.peer("headrace SpscRing", ours_in_groups<Event, 256>);
}

HEADRACE_BENCH_ROW("ring.spsc.8b.batch256", .unit = "M/s") {
  batches_of_256<std::uint64_t>(row, Target{.far = 1.5, .near = 1.7});
}
HEADRACE_BENCH_ROW("ring.spsc.64b.batch256", .unit = "M/s") { batches_of_256<Line>(row, {}); }

HEADRACE_BENCH_ROW("ring.spsc.span64k", .unit = "M/s") {
  using Event = std::uint64_t;
  constexpr std::size_t kSpan = 64 * 1024 / sizeof(Event);
  row.ours(ours<Event, 8 * kSpan, kSpan, Built<Event, kSpan>>);
  row.peer("headrace, pushed from a buffer", ours<Event, 8 * kSpan, kSpan>);
  row.peer(kBoostPop, boost_pop<Event, 8 * kSpan, kSpan>, Target{.far = 1.0, .near = 1.25});
  row.peer(kBoostConsumeAll, boost_consume_all<Event, 8 * kSpan, kSpan>, Target{.far = 1.0, .near = 1.25});
  row.peer(
      "bare non-temporal hand-over",
      [](Context& context) { return bare_handover<Stores::non_temporal>(context) * 1e3 / sizeof(Event); },
      Target{.far = 0.7, .near = 0});
}

}  // namespace
}  // namespace headrace::bench
