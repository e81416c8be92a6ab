//   producer 1 … P ──► ring ──► consumer 1 … C
//
// Question: how many events a second pass through a ring for many, of 8 and of 64 bytes, one at a time and 256 at a
// time, with one thread a core (1P1C, pinned), and with more threads than cores (2P2C, 4P4C, placed by the kernel,
// yielding when refused)? Each combination has a row. Peers: moodycamel::ConcurrentQueue with and without tokens,
// boost::lockfree::queue, tbb::concurrent_bounded_queue; the last two know no batches and pass one event by event.
// 1,024 slots: of the whole queue in boost and tbb, of each producer's part in ours and moodycamel's.

#include <algorithm>
#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "harness/bench.hpp"
#include "headrace/base/hints.hpp"
#include "micro/ring_contenders.hpp"

namespace headrace::bench {
namespace {

constexpr std::size_t kBatch = 256;

using Refused = void (*)();
void pause_once() { pause(); }
void yield_once() { std::this_thread::yield(); }

struct Singly {
  /// Pushes the events numbered from `first`.
  template <class Event, class Producer>
  static void push_all(Producer& producer, std::uint64_t first, std::uint64_t count, Refused refused) {
    for (std::uint64_t i = 0; i < count; ++i) {
      // Made within the loop, so that no copy on the stack stands in the way of the stores to the ring.
      while (!producer.push(event_of<Event>(first + i))) refused();
    }
  }
  /// Answers how many there were.
  template <class Event, class Consumer>
  static std::size_t take_some(Consumer& consumer, std::vector<Event>& buffer, std::uint64_t& sum) {
    if (!consumer.pop(buffer.front())) return 0;
    sum += sum_of(buffer.front());
    return 1;
  }
};

struct InBatches {
  template <class Event, class Producer>
  static void push_all(Producer& producer, std::uint64_t first, std::uint64_t count, Refused refused) {
    std::vector<Event> events(kBatch);
    for (std::uint64_t next = 0; next < count;) {
      const std::size_t filled = std::min<std::uint64_t>(kBatch, count - next);
      for (std::size_t i = 0; i < filled; ++i) events[i] = event_of<Event>(first + next + i);
      for (std::size_t done = 0; done < filled;) {
        const std::size_t pushed = push_some(producer, events.data() + done, filled - done);
        if (pushed == 0) refused();
        done += pushed;
      }
      next += filled;
    }
  }
  template <class Event, class Consumer>
  static std::size_t take_some(Consumer& consumer, std::vector<Event>& buffer, std::uint64_t& sum) {
    std::size_t count = 0;
    if constexpr (requires { consumer.consume(kBatch, [](const Event&) {}); }) {
      return consumer.consume(kBatch, [&](const Event& event) { sum += sum_of(event); });
    } else if constexpr (requires { consumer.pop(buffer.data(), kBatch); }) {
      count = consumer.pop(buffer.data(), kBatch);
    } else {
      while (count < kBatch && consumer.pop(buffer[count])) ++count;
    }
    for (std::size_t i = 0; i < count; ++i) sum += sum_of(buffer[i]);
    return count;
  }
};

template <class How, class Event, class Queue>
double one_pair(Context& context) {
  return context.millions_per_second([&](std::uint64_t count) {
    const auto queue = std::make_unique<Queue>();
    std::uint64_t sum = 0;
    const double seconds = context.run_pinned(
        [&] {
          auto producer = queue->producer();
          How::template push_all<Event>(producer, 1, count, &pause_once);
        },
        [&] {
          auto consumer = queue->consumer();
          std::vector<Event> buffer(kBatch);
          std::uint64_t own_sum = 0;
          for (std::uint64_t seen = 0; seen < count;) {
            const std::size_t some = How::take_some(consumer, buffer, own_sum);
            if (some == 0) pause();
            seen += some;
          }
          sum = own_sum;
        });
    Context::require(sum == expected_sum<Event>(count), "sum of payloads");
    return seconds;
  });
}

/// `pairs` producers and as many consumers. A consumer leaves when it finds nothing after every producer has
/// ended.
template <class How, class Event, class Queue, std::size_t pairs>
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
        How::template push_all<Event>(producer, 1 + p * each, each, &yield_once);
        ended.fetch_add(1, std::memory_order_release);  // X1 -> X2
      });
      threads.emplace_back([&] {
        auto consumer = queue->consumer();
        std::vector<Event> buffer(kBatch);
        std::uint64_t own_sum = 0;
        for (bool last_look = false;;) {
          if (How::take_some(consumer, buffer, own_sum) > 0) {
            last_look = false;
          } else if (last_look) {
            break;
          } else if (ended.load(std::memory_order_acquire) == pairs) {  // X2 <- X1
            last_look = true;
          } else {
            std::this_thread::yield();
          }
        }
        sum.fetch_add(own_sum, std::memory_order_relaxed);  // no partner: the threads' ends order it
      });
    }
    const double seconds = context.run_free(threads);
    Context::require(
        sum.load(std::memory_order_relaxed) == expected_sum<Event>(each * pairs),  // no partner: joined
        "sum of payloads");
    return seconds * static_cast<double>(wanted) / static_cast<double>(each * pairs);
  });
}

/// The ratios to be reached, of those that have one.
struct Aims {
  std::optional<Target> tokens{}, no_tokens{}, tbb{};
};

/// `measure.template operator()<Queue>()` answers the measurement of that queue.
template <class How, class Event, class MeasureOf>
void against_all(Row& row, MeasureOf measure, const Aims& aims) {
  const std::string singly = std::is_same_v<How, InBatches> ? ", one by one" : "";
  row.ours(measure.template operator()<OurMpmc<Event>>());
  row.peer(kMoodycamelTokens, measure.template operator()<MoodycamelTokens<Event>>(), aims.tokens);
  row.peer(kMoodycamel, measure.template operator()<Moodycamel<Event>>(), aims.no_tokens);
  row.peer(kTbb + singly, measure.template operator()<Tbb<Event>>(), aims.tbb);
  row.peer(kBoostMpmc + singly, measure.template operator()<BoostMpmc<Event>>());
}
template <class How, class Event>
void one_pair_row(Row& row, const Aims& aims = {}) {
  against_all<How, Event>(
      row, []<class Queue>() -> Measure { return one_pair<How, Event, Queue>; }, aims);
}
template <class How, class Event, std::size_t pairs>
void oversubscribed_row(Row& row, const Aims& aims = {}) {
  against_all<How, Event>(
      row, []<class Queue>() -> Measure { return oversubscribed<How, Event, Queue, pairs>; }, aims);
  if (pairs > 2) {
    row.peer("headrace 2P2C", oversubscribed<How, Event, OurMpmc<Event>, 2>, everywhere(0.5));
  }
}

using Word = std::uint64_t;
const Aims kSingleAims{.no_tokens = Target{.far = 5, .near = 3}, .tbb = Target{.far = 5, .near = 4}};
const Aims kTokensAim{.tokens = everywhere(1.2)};

HEADRACE_BENCH_ROW("ring.mpmc.8b.single", .unit = "M/s") { one_pair_row<Singly, Word>(row, kSingleAims); }
HEADRACE_BENCH_ROW("ring.mpmc.64b.single", .unit = "M/s") { one_pair_row<Singly, Line>(row, kSingleAims); }
HEADRACE_BENCH_ROW("ring.mpmc.8b.bulk", .unit = "M/s") { one_pair_row<InBatches, Word>(row, kTokensAim); }
HEADRACE_BENCH_ROW("ring.mpmc.64b.bulk", .unit = "M/s") { one_pair_row<InBatches, Line>(row); }

// Of 8 bytes, one at a time.
HEADRACE_BENCH_ROW("ring.mpmc.2p2c", .unit = "M/s", .cores = Cores::one) {
  oversubscribed_row<Singly, Word, 2>(row, kTokensAim);
}
HEADRACE_BENCH_ROW("ring.mpmc.4p4c", .unit = "M/s", .cores = Cores::one) {
  oversubscribed_row<Singly, Word, 4>(row, kTokensAim);
}
HEADRACE_BENCH_ROW("ring.mpmc.64b.2p2c", .unit = "M/s", .cores = Cores::one) {
  oversubscribed_row<Singly, Line, 2>(row);
}
HEADRACE_BENCH_ROW("ring.mpmc.64b.4p4c", .unit = "M/s", .cores = Cores::one) {
  oversubscribed_row<Singly, Line, 4>(row);
}
HEADRACE_BENCH_ROW("ring.mpmc.8b.bulk.2p2c", .unit = "M/s", .cores = Cores::one) {
  oversubscribed_row<InBatches, Word, 2>(row);
}
HEADRACE_BENCH_ROW("ring.mpmc.8b.bulk.4p4c", .unit = "M/s", .cores = Cores::one) {
  oversubscribed_row<InBatches, Word, 4>(row);
}
HEADRACE_BENCH_ROW("ring.mpmc.64b.bulk.2p2c", .unit = "M/s", .cores = Cores::one) {
  oversubscribed_row<InBatches, Line, 2>(row);
}
HEADRACE_BENCH_ROW("ring.mpmc.64b.bulk.4p4c", .unit = "M/s", .cores = Cores::one) {
  oversubscribed_row<InBatches, Line, 4>(row);
}

}  // namespace
}  // namespace headrace::bench
