//   producer (first cpu) ──► ring ──► consumer (second cpu), which reads in place
//
// Question: how many 8-byte events a second pass in batches? 256 at a time through 1,024 slots, and 64 KiB at a
// time through 512 KiB. The producer fills a buffer and pushes it whole; the consumer sums the events. Peers:
// boost::lockfree::spsc_queue, by pop into a buffer and by consume_all; and the bare hand-over of a buffer of 64
// KiB, written in place by non-temporal stores and passed by one flag.

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

#include "harness/bench.hpp"
#include "headrace/base/hints.hpp"
#include "micro/ring_contenders.hpp"
#include "micro/ring_machine.hpp"

namespace headrace::bench {
namespace {

/// `drain(consumer, sum)` reads some events and answers how many.
template <class Queue, std::size_t batch, class Drain>
double in_batches(Context& context, Drain drain) {
  return context.millions_per_second([&](std::uint64_t wanted) {
    const std::uint64_t count = wanted / batch * batch + batch;
    const auto queue = std::make_unique<Queue>();
    std::uint64_t sum = 0;
    const double seconds = context.run_pinned(
        [&] {
          auto producer = queue->producer();
          std::vector<std::uint64_t> events(batch);
          for (std::uint64_t next = 1; next <= count; next += batch) {
            std::iota(events.begin(), events.end(), next);
            for (std::size_t done = 0; done < batch;) {
              const std::size_t pushed = producer.push(events.data() + done, batch - done);
              if (pushed == 0) pause();
              done += pushed;
            }
          }
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
    Context::require(sum == expected_sum<std::uint64_t>(count), "sum of payloads");
    return seconds * static_cast<double>(wanted) / static_cast<double>(count);
  });
}

template <std::size_t slots, std::size_t batch>
double ours(Context& context) {
  return in_batches<OurSpan<std::uint64_t, slots>, batch>(context, [](auto& consumer, std::uint64_t& sum) {
    const auto all = consumer.handle.readable();
    const auto events = all.first(std::min(batch, all.size()));
    sum = std::accumulate(events.begin(), events.end(), sum);
    consumer.handle.release(events.size());
    return events.size();
  });
}
template <std::size_t batch>
double ours_in_groups(Context& context) {
  return in_batches<OurSpsc<std::uint64_t>, batch>(context, [](auto& consumer, std::uint64_t& sum) {
    return consumer.consume(batch, [&](std::uint64_t event) { sum += event; });
  });
}
template <std::size_t slots, std::size_t batch>
double boost_pop(Context& context) {
  return in_batches<BoostSpsc<std::uint64_t, slots>, batch>(
      context, [events = std::vector<std::uint64_t>(batch)](auto& consumer, std::uint64_t& sum) mutable {
        const std::size_t count = consumer.pop(events.data(), batch);
        sum = std::accumulate(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(count), sum);
        return count;
      });
}
template <std::size_t slots, std::size_t batch>
double boost_consume_all(Context& context) {
  return in_batches<BoostSpsc<std::uint64_t, slots>, batch>(context, [](auto& consumer, std::uint64_t& sum) {
    return consumer.consume_all([&](std::uint64_t event) { sum += event; });
  });
}

HEADRACE_BENCH_ROW("ring.spsc.8b.batch256", .unit = "M/s") {
  row.ours(ours<1024, 256>);
  row.peer("boost " BOOST_LIB_VERSION " lockfree::spsc_queue, pop", boost_pop<1024, 256>, Target{.far = 1.5, .near = 1.7});
  row.peer("boost " BOOST_LIB_VERSION " lockfree::spsc_queue, consume_all", boost_consume_all<1024, 256>,
           Target{.far = 1.5, .near = 1.7});
  row.peer("headrace SpscRing", ours_in_groups<256>);
}

HEADRACE_BENCH_ROW("ring.spsc.span64k", .unit = "M/s") {
  constexpr std::size_t kSpan = 64 * 1024 / sizeof(std::uint64_t);
  row.ours(ours<8 * kSpan, kSpan>);
  row.peer("boost " BOOST_LIB_VERSION " lockfree::spsc_queue, pop", boost_pop<8 * kSpan, kSpan>, Target{.far = 1.0, .near = 1.25});
  row.peer("boost " BOOST_LIB_VERSION " lockfree::spsc_queue, consume_all", boost_consume_all<8 * kSpan, kSpan>,
           Target{.far = 1.0, .near = 1.25});
  row.peer(
      "bare non-temporal hand-over",
      [](Context& context) { return bare_handover<Stores::non_temporal>(context) * 1e3 / sizeof(std::uint64_t); },
      Target{.far = 0.7, .near = 0});
}

}  // namespace
}  // namespace headrace::bench
