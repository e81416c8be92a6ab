//   producer 1 … P ──► ring ──► consumer 1 … C
//
// Question: how many events a second pass through a ring for many, one at a time and 256 at a time, with one
// thread a core (1P1C, pinned), and with more threads than cores (2P2C, 4P4C, placed by the kernel, yielding when
// refused)? Peers: moodycamel::ConcurrentQueue with and without tokens, boost::lockfree::queue,
// tbb::concurrent_bounded_queue. 1,024 slots: of the whole queue in boost and tbb, of each producer's part in ours
// and moodycamel's.

#include <array>
#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

#include "harness/bench.hpp"
#include "headrace/base/hints.hpp"
#include "micro/ring_contenders.hpp"

namespace headrace::bench {
namespace {

constexpr std::size_t kBatch = 256;

template <class Event, class Producer>
void push_one_at_a_time(Producer& producer, std::uint64_t first, std::uint64_t count, void (*refused)()) {
  for (std::uint64_t i = 0; i < count; ++i) {
    while (!producer.push(event_of<Event>(first + i))) refused();
  }
}

template <class Event, class Consumer>
std::uint64_t pop_one_at_a_time(Consumer& consumer, std::uint64_t count) {
  std::uint64_t sum = 0;
  Event event{};
  for (std::uint64_t i = 0; i < count; ++i) {
    while (!consumer.pop(event)) pause();
    sum += sum_of(event);
  }
  return sum;
}

template <class Event, class Queue>
double single(Context& context) {
  return context.millions_per_second([&](std::uint64_t count) {
    const auto queue = std::make_unique<Queue>();
    std::uint64_t sum = 0;
    const double seconds = context.run_pinned(
        [&] {
          auto producer = queue->producer();
          push_one_at_a_time<Event>(producer, 1, count, [] { pause(); });
        },
        [&] {
          auto consumer = queue->consumer();
          sum = pop_one_at_a_time<Event>(consumer, count);
        });
    Context::require(sum == expected_sum<Event>(count), "sum of payloads");
    return seconds;
  });
}

template <class Event, class Consumer>
std::size_t take_batch(Consumer& consumer, std::vector<Event>& buffer, std::uint64_t& sum) {
  if constexpr (requires { consumer.pop(buffer.data(), kBatch); }) {
    const std::size_t count = consumer.pop(buffer.data(), kBatch);
    for (std::size_t i = 0; i < count; ++i) sum += sum_of(buffer[i]);
    return count;
  } else {
    return consumer.consume(kBatch, [&](const Event& event) { sum += sum_of(event); });
  }
}

template <class Event, class Queue>
double bulk(Context& context) {
  return context.millions_per_second([&](std::uint64_t wanted) {
    const std::uint64_t count = wanted / kBatch * kBatch + kBatch;
    const auto queue = std::make_unique<Queue>();
    std::uint64_t sum = 0;
    const double seconds = context.run_pinned(
        [&] {
          auto producer = queue->producer();
          std::vector<Event> events(kBatch);
          for (std::uint64_t next = 1; next <= count; next += kBatch) {
            for (std::size_t i = 0; i < kBatch; ++i) events[i] = event_of<Event>(next + i);
            for (std::size_t done = 0; done < kBatch;) {
              const std::size_t pushed = producer.push(events.data() + done, kBatch - done);
              if (pushed == 0) pause();
              done += pushed;
            }
          }
        },
        [&] {
          auto consumer = queue->consumer();
          std::vector<Event> buffer(kBatch);
          std::uint64_t own_sum = 0;
          for (std::uint64_t seen = 0; seen < count;) {
            const std::size_t some = take_batch(consumer, buffer, own_sum);
            if (some == 0) pause();
            seen += some;
          }
          sum = own_sum;
        });
    Context::require(sum == expected_sum<Event>(count), "sum of payloads");
    return seconds * static_cast<double>(wanted) / static_cast<double>(count);
  });
}

/// `pairs` producers and as many consumers. A consumer leaves when it finds nothing after every producer has
/// ended.
template <class Event, class Queue, std::size_t pairs>
double oversubscribed(Context& context) {
  return context.millions_per_second([&](std::uint64_t wanted) {
    const std::uint64_t each = wanted / pairs + 1;
    const auto queue = std::make_unique<Queue>();
    std::atomic<std::size_t> ended{0};
    std::atomic<std::uint64_t> sum{0};
    std::vector<std::function<void()>> threads;
    for (std::size_t p = 0; p < pairs; ++p) {
      threads.emplace_back([&, p] {
        auto producer = queue->producer();
        push_one_at_a_time<Event>(producer, 1 + p * each, each, [] { std::this_thread::yield(); });
        ended.fetch_add(1, std::memory_order_release);
      });
      threads.emplace_back([&] {
        auto consumer = queue->consumer();
        std::uint64_t own_sum = 0;
        Event event{};
        for (bool last_look = false;;) {
          if (consumer.pop(event)) {
            own_sum += sum_of(event);
            last_look = false;
          } else if (last_look) {
            break;
          } else if (ended.load(std::memory_order_acquire) == pairs) {
            last_look = true;
          } else {
            std::this_thread::yield();
          }
        }
        sum.fetch_add(own_sum, std::memory_order_relaxed);
      });
    }
    const double seconds = context.run_free(threads);
    Context::require(sum.load() == expected_sum<Event>(each * pairs), "sum of payloads");
    return seconds * static_cast<double>(wanted) / static_cast<double>(each * pairs);
  });
}

template <class Event>
void single_row(Row& row) {
  row.ours(single<Event, OurMpmc<Event>>);
  row.peer(kMoodycamel, single<Event, Moodycamel<Event>>, Target{.far = 5, .near = 3});
  row.peer(kMoodycamelTokens, single<Event, MoodycamelTokens<Event>>);
  row.peer(kTbb, single<Event, Tbb<Event>>, Target{.far = 5, .near = 4});
  row.peer(kBoostMpmc, single<Event, BoostMpmc<Event>>);
}

template <class Event, std::size_t pairs>
void oversubscribed_row(Row& row) {
  row.ours(oversubscribed<Event, OurMpmc<Event>, pairs>);
  row.peer(kMoodycamelTokens, oversubscribed<Event, MoodycamelTokens<Event>, pairs>, everywhere(1.2));
  row.peer(kMoodycamel, oversubscribed<Event, Moodycamel<Event>, pairs>);
  row.peer(kTbb, oversubscribed<Event, Tbb<Event>, pairs>);
  row.peer(kBoostMpmc, oversubscribed<Event, BoostMpmc<Event>, pairs>);
}

HEADRACE_BENCH_ROW("ring.mpmc.8b.single", .unit = "M/s") { single_row<std::uint64_t>(row); }
HEADRACE_BENCH_ROW("ring.mpmc.64b.single", .unit = "M/s") { single_row<Line>(row); }

HEADRACE_BENCH_ROW("ring.mpmc.8b.bulk", .unit = "M/s") {
  row.ours(bulk<std::uint64_t, OurMpmc<std::uint64_t>>);
  row.peer(kMoodycamelTokens, bulk<std::uint64_t, MoodycamelTokens<std::uint64_t>>, everywhere(1.2));
}
HEADRACE_BENCH_ROW("ring.mpmc.64b.bulk", .unit = "M/s") {
  row.ours(bulk<Line, OurMpmc<Line>>);
  row.peer(kMoodycamelTokens, bulk<Line, MoodycamelTokens<Line>>);
}

HEADRACE_BENCH_ROW("ring.mpmc.2p2c", .unit = "M/s", .cores = Cores::one) {
  oversubscribed_row<std::uint64_t, 2>(row);
}
HEADRACE_BENCH_ROW("ring.mpmc.4p4c", .unit = "M/s", .cores = Cores::one) {
  oversubscribed_row<std::uint64_t, 4>(row);
  row.peer("headrace 2P2C", oversubscribed<std::uint64_t, OurMpmc<std::uint64_t>, 2>, everywhere(0.5));
}

}  // namespace
}  // namespace headrace::bench
