#pragma once

#include <concurrentqueue.h>
#include <oneapi/tbb/concurrent_queue.h>
#include <readerwriterqueue.h>

#include <atomic>
#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "harness/context.hpp"
#include "headrace/ring/mpmc_ring.hpp"
#include "headrace/ring/spsc_ring.hpp"
#include "headrace/ring/spsc_span_ring.hpp"

/// Ours and the peers behind one face: producer() and consumer(), one a thread, with push and pop that answer
/// whether they did, or how many. Nothing of it survives inlining.
namespace headrace::bench {

inline constexpr std::size_t kSlots = 1024;

// Boost says its version itself; the others' are Debian 12's.
inline constexpr const char* kBoostSpsc = "boost " BOOST_LIB_VERSION " lockfree::spsc_queue";
inline constexpr const char* kReaderWriter = "moodycamel 1.0.6 ReaderWriterQueue";
inline constexpr const char* kMoodycamel = "moodycamel 1.0.3 ConcurrentQueue, no tokens";
inline constexpr const char* kMoodycamelTokens = "moodycamel 1.0.3 ConcurrentQueue, tokens";
inline constexpr const char* kBoostMpmc = "boost " BOOST_LIB_VERSION " lockfree::queue";
inline constexpr const char* kTbb = "tbb 2021.8 concurrent_bounded_queue";

struct Line {
  std::uint64_t words[8];
};
[[nodiscard]] inline std::uint64_t make_event(std::uint64_t number, std::uint64_t*) { return number; }
[[nodiscard]] inline Line make_event(std::uint64_t number, Line*) {
  return {{number, number, number, number, number, number, number, number}};
}
template <class Event>
[[nodiscard]] Event event_of(std::uint64_t number) {
  return make_event(number, static_cast<Event*>(nullptr));
}
[[nodiscard]] inline std::uint64_t sum_of(std::uint64_t event) { return event; }
[[nodiscard]] inline std::uint64_t sum_of(const Line& event) {
  std::uint64_t sum = 0;
  for (const auto word : event.words) sum += word;
  return sum;
}
/// Of the events numbered 1 up to `count`.
template <class Event>
[[nodiscard]] constexpr std::uint64_t expected_sum(std::uint64_t count) {
  return count * (count + 1) / 2 * (sizeof(Event) / sizeof(std::uint64_t));
}

/// Our rings: their handles, with the answers of the face.
template <class Handle>
struct OurProducer {
  Handle handle;
  template <class Event>
  bool push(const Event& event) {
    return handle.try_push(event) == PushResult::pushed;
  }
  template <class Event>
  std::size_t push(const Event* events, std::size_t count) {
    return handle.try_push(std::span<const Event>(events, count));
  }
};
template <class Handle>
struct OurConsumer {
  Handle handle;
  template <class Event>
  bool pop(Event& event) {
    return handle.try_pop(event);
  }
  template <class Handler>
  std::size_t consume(std::size_t max, Handler&& handler) {
    return handle.consume(max, handler);
  }
};

template <class Ring>
struct Ours {
  Ring ring;
  OurProducer<typename Ring::Producer> producer() { return {lane(ring.producer())}; }
  OurConsumer<typename Ring::Consumer> consumer() { return {ring.consumer()}; }

 private:
  static auto lane(typename Ring::Producer&& producer) { return std::move(producer); }
  static auto lane(std::optional<typename Ring::Producer>&& producer) { return std::move(producer).value(); }
};
template <class Event>
struct OurSpsc : Ours<SpscRing<Event>> {
  OurSpsc() : Ours<SpscRing<Event>>{SpscRing<Event>(kSlots)} {}
};
template <class Event, std::size_t slots = kSlots>
struct OurSpan : Ours<SpscSpanRing<Event>> {
  OurSpan() : Ours<SpscSpanRing<Event>>{SpscSpanRing<Event>({.capacity_slots = slots})} {}
};
template <class Event>
struct OurMpmc : Ours<MpmcRing<Event>> {
  OurMpmc() : Ours<MpmcRing<Event>>{MpmcRing<Event>({.lane_capacity_slots = kSlots, .producers_max = 8})} {}
};

template <class Event, std::size_t slots = kSlots>
struct BoostSpsc {
  boost::lockfree::spsc_queue<Event> queue{slots};
  struct End {
    boost::lockfree::spsc_queue<Event>& queue;
    bool push(const Event& event) { return queue.push(event); }
    bool pop(Event& event) { return queue.pop(event); }
    std::size_t push(const Event* events, std::size_t count) { return queue.push(events, count); }
    std::size_t pop(Event* events, std::size_t count) { return queue.pop(events, count); }
    template <class Handler>
    std::size_t consume_all(Handler&& handler) {
      return queue.consume_all(handler);
    }
  };
  End producer() { return {queue}; }
  End consumer() { return {queue}; }
};

template <class Event>
struct ReaderWriter {
  moodycamel::ReaderWriterQueue<Event> queue{kSlots};
  struct End {
    moodycamel::ReaderWriterQueue<Event>& queue;
    bool push(const Event& event) { return queue.try_enqueue(event); }
    bool pop(Event& event) { return queue.try_dequeue(event); }
  };
  End producer() { return {queue}; }
  End consumer() { return {queue}; }
};

// g++ 12 follows a null block through try_enqueue_bulk that cannot be there.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#endif
/// Without tokens. Bounded like the others: try_enqueue does not allocate.
template <class Event>
struct Moodycamel {
  moodycamel::ConcurrentQueue<Event> queue{kSlots, 0, 8};
  struct Producer {
    moodycamel::ConcurrentQueue<Event>& queue;
    bool push(const Event& event) { return queue.try_enqueue(event); }
    std::size_t push(const Event* events, std::size_t count) {
      return queue.try_enqueue_bulk(events, count) ? count : 0;
    }
  };
  struct Consumer {
    moodycamel::ConcurrentQueue<Event>& queue;
    bool pop(Event& event) { return queue.try_dequeue(event); }
    std::size_t pop(Event* events, std::size_t count) { return queue.try_dequeue_bulk(events, count); }
  };
  Producer producer() { return {queue}; }
  Consumer consumer() { return {queue}; }
};
/// A token's producer keeps the blocks that it once got, so that a fast one may leave none for the others, which are
/// then refused for ever. So each gets its slots before the first event. (Nor may the refused allocate: 1.0.3 loses
/// events, or crashes, when enqueue_bulk grows a producer after try_enqueue_bulk was refused.)
template <class Event>
struct MoodycamelTokens {
  static constexpr std::size_t kProducers = 8;
  using Queue = moodycamel::ConcurrentQueue<Event>;
  Queue queue{kSlots, kProducers, 0};
  std::vector<moodycamel::ProducerToken> tokens;
  std::atomic<std::size_t> given{0};

  MoodycamelTokens() {
    for (std::size_t i = 0; i < kProducers; ++i) tokens.emplace_back(queue);
    for (auto& token : tokens) {
      for (std::size_t i = 0; i < kSlots; ++i)
        Context::require(queue.try_enqueue(token, Event{}), "a slot for each");
    }
    Event event;
    for (auto& token : tokens) {
      while (queue.try_dequeue_from_producer(token, event)) {
      }
    }
  }

  struct Producer {
    Queue& queue;
    moodycamel::ProducerToken& token;
    bool push(const Event& event) { return queue.try_enqueue(token, event); }
    std::size_t push(const Event* events, std::size_t count) {
      return queue.try_enqueue_bulk(token, events, count) ? count : 0;
    }
  };
  struct Consumer {
    Queue& queue;
    moodycamel::ConsumerToken token{queue};
    bool pop(Event& event) { return queue.try_dequeue(token, event); }
    std::size_t pop(Event* events, std::size_t count) { return queue.try_dequeue_bulk(token, events, count); }
  };
  // No partner: a number for each.
  Producer producer() { return {queue, tokens.at(given.fetch_add(1, std::memory_order_relaxed))}; }
  Consumer consumer() { return {queue}; }
};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

template <class Event>
struct BoostMpmc {
  boost::lockfree::queue<Event, boost::lockfree::capacity<kSlots>> queue;
  struct End {
    boost::lockfree::queue<Event, boost::lockfree::capacity<kSlots>>& queue;
    bool push(const Event& event) { return queue.push(event); }
    bool pop(Event& event) { return queue.pop(event); }
  };
  End producer() { return {queue}; }
  End consumer() { return {queue}; }
};
template <class Event>
struct Tbb {
  tbb::concurrent_bounded_queue<Event> queue;
  Tbb() { queue.set_capacity(kSlots); }
  struct End {
    tbb::concurrent_bounded_queue<Event>& queue;
    bool push(const Event& event) { return queue.try_push(event); }
    bool pop(Event& event) { return queue.try_pop(event); }
  };
  End producer() { return {queue}; }
  End consumer() { return {queue}; }
};

/// As many as have room: in a batch where the ring has batches, else one by one.
template <class Event, class Producer>
std::size_t push_some(Producer& producer, const Event* events, std::size_t count) {
  if constexpr (requires { producer.push(events, count); }) {
    return producer.push(events, count);
  } else {
    std::size_t done = 0;
    while (done < count && producer.push(events[done])) ++done;
    return done;
  }
}

}  // namespace headrace::bench
