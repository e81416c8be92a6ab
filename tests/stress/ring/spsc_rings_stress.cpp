#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "headrace/ring/spsc_ring.hpp"
#include "headrace/ring/spsc_span_ring.hpp"
#include "scale.hpp"

namespace headrace {
namespace {

template <class Event>
constexpr Event* kOf = nullptr;  ///< chooses an overload

struct Line {
  std::uint64_t words[8];
};

std::uint64_t event_of(std::uint64_t i, std::uint64_t*) { return i; }
Line event_of(std::uint64_t i, Line*) { return {{i, i, i, i, i, i, i, i}}; }
std::unique_ptr<std::uint64_t> event_of(std::uint64_t i, std::unique_ptr<std::uint64_t>*) {
  return std::make_unique<std::uint64_t>(i);
}

std::uint64_t number_of(std::uint64_t event) { return event; }
std::uint64_t number_of(const Line& event) {
  for (const auto word : event.words) {
    if (word != event.words[0]) return ~std::uint64_t{0};
  }
  return event.words[0];
}
std::uint64_t number_of(const std::unique_ptr<std::uint64_t>& event) { return *event; }

template <class Event, class Producer>
void push_all(Producer producer, std::uint64_t events, unsigned seed) {
  std::minstd_rand random{seed};
  for (std::uint64_t i = 0; i < events;) {
    const std::size_t batch = std::min<std::uint64_t>(1 + random() % 20, events - i);
    std::size_t pushed = 0;
    if (batch == 1) {
      pushed = producer.try_push(event_of(i, kOf<Event>)) == PushResult::pushed ? 1 : 0;
    } else {
      pushed = producer.try_emplace_n(batch, [&](std::size_t k) { return event_of(i + k, kOf<Event>); });
    }
    i += pushed;
    if (pushed == 0) std::this_thread::yield();
  }
}

/// Answers how many of the events came out of their place.
template <class Event, class Consumer>
std::uint64_t pop_all(Consumer consumer, std::uint64_t events, unsigned seed) {
  std::minstd_rand random{seed};
  std::uint64_t wrong = 0;
  for (std::uint64_t i = 0; i < events;) {
    const std::uint64_t before = i;
    const auto check = [&](const Event& event) { wrong += number_of(event) != i++; };
    switch (random() % 3) {
      case 0:
        if (const auto event = consumer.try_pop()) check(*event);
        break;
      case 1:
        consumer.consume(1 + random() % 20, check);
        break;
      default: {
        const auto some = consumer.readable();
        for (const Event& event : some) check(event);
        if (!some.empty()) consumer.release(some.size());
      }
    }
    if (i == before) std::this_thread::yield();
  }
  return wrong;
}

/// Three rings at once, so that two cores are always oversubscribed and threads stop at any place.
template <class Event, class MakeRing>
void run_pairs(std::uint64_t events, MakeRing make_ring) {
  constexpr unsigned kPairs = 3;
  std::array<decltype(make_ring()), kPairs> rings{make_ring(), make_ring(), make_ring()};
  std::array<std::uint64_t, kPairs> wrong{};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kPairs; ++i) {
    threads.emplace_back([&, i] { push_all<Event>(rings[i]->producer(), events, i + 1); });
    threads.emplace_back([&, i] { wrong[i] = pop_all<Event>(rings[i]->consumer(), events, i + 100); });
  }
  for (auto& thread : threads) thread.join();
  for (const auto count : wrong) EXPECT_EQ(count, 0U);
}

// Claim:  under oversubscription no event is lost, doubled, torn or out of order, however it is pushed and read.
// Method: single events and batches of random sizes against all ways of reading, in rings so small that they are
//         full and empty all the time; the consumer compares each event with its number.
TEST(SpscRingStress, EveryEventArrivesOnceAndInOrder) {
  run_pairs<std::uint64_t>(scaled(1'000'000), [] { return std::make_unique<SpscRing<std::uint64_t>>(50); });
  run_pairs<Line>(scaled(500'000), [] { return std::make_unique<SpscRing<Line>>(64); });
  run_pairs<Line>(scaled(500'000), [] { return std::make_unique<SpscRing<Line, 2>>(2); });
  run_pairs<std::unique_ptr<std::uint64_t>>(
      scaled(300'000), [] { return std::make_unique<SpscRing<std::unique_ptr<std::uint64_t>>>(50); });
}
TEST(SpscSpanRingStress, EveryEventArrivesOnceAndInOrder) {
  static constexpr SpscSpanRingOptions kSmall{.capacity_slots = 64};
  run_pairs<std::uint64_t>(scaled(1'000'000),
                           [] { return std::make_unique<SpscSpanRing<std::uint64_t>>(kSmall); });
  run_pairs<Line>(scaled(1'000'000), [] { return std::make_unique<SpscSpanRing<Line>>(kSmall); });
  run_pairs<std::unique_ptr<std::uint64_t>>(
      scaled(300'000), [] { return std::make_unique<SpscSpanRing<std::unique_ptr<std::uint64_t>>>(kSmall); });
}

// Claim:  big batches by non-temporal stores are as ordered as others, pushed and built in the ring in turn.
// Method: batches of 8 KiB in a ring of 64 KiB; every word compared.
TEST(SpscSpanRingStress, NonTemporalBatchesAreSeenWhole) {
  constexpr std::size_t kBatch = 1024;
  constexpr std::uint64_t kEvents = scaled(8'000'000) / kBatch * kBatch;
  SpscSpanRing<std::uint64_t> ring({.capacity_slots = 8192, .handover = Handover::non_temporal});
  std::thread producing([&] {
    auto producer = ring.producer();
    std::vector<std::uint64_t> batch(kBatch);
    for (std::uint64_t i = 0; i < kEvents;) {
      std::size_t pushed = 0;
      if (i / kBatch % 2 == 0) {
        for (std::size_t k = 0; k < kBatch; ++k) batch[k] = i + k;
        pushed = producer.try_push(std::span<const std::uint64_t>(batch));
      } else {
        pushed = producer.try_emplace_n(kBatch, [i](std::size_t k) { return i + k; });
      }
      i += pushed;
      if (pushed == 0) std::this_thread::yield();
    }
  });
  const std::uint64_t wrong = pop_all<std::uint64_t>(ring.consumer(), kEvents, 1);
  producing.join();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace headrace
