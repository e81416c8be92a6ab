#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include "headrace/ring/mpmc_ring.hpp"
#include "scale.hpp"

namespace headrace {
namespace {

constexpr std::size_t kProducers = 4;
constexpr std::size_t kConsumers = 4;

struct Numbered {
  std::uint32_t producer;
  std::uint32_t number;
  std::uint64_t check;  ///< of both, so that a torn event shows
};
Numbered numbered(std::size_t producer, std::uint64_t number) {
  return {static_cast<std::uint32_t>(producer), static_cast<std::uint32_t>(number), number * 31 + producer};
}

std::unique_ptr<Numbered> event_of(std::size_t producer, std::uint64_t i, std::unique_ptr<Numbered>*) {
  return std::make_unique<Numbered>(numbered(producer, i));
}
Numbered event_of(std::size_t producer, std::uint64_t i, Numbered*) { return numbered(producer, i); }
const Numbered& open(const std::unique_ptr<Numbered>& event) { return *event; }
const Numbered& open(const Numbered& event) { return event; }

/// What one consumer saw. Of each producer it must see a growing sequence, since claims are in order.
struct Seen {
  std::array<std::uint64_t, kProducers> next{};
  std::array<std::uint64_t, kProducers> count{};
  std::array<std::uint64_t, kProducers> sum{};
  std::uint64_t wrong = 0;

  void operator()(const Numbered& event) {
    wrong +=
        event.check != event.number * std::uint64_t{31} + event.producer || event.number < next[event.producer];
    next[event.producer] = event.number + 1;
    ++count[event.producer];
    sum[event.producer] += event.number;
  }
};

enum class Lanes { kept, changed_often };

template <class Event>
void run(std::uint64_t events_each, Lanes lanes) {
  using Ring = MpmcRing<Event>;
  Ring ring({.lane_capacity_slots = 32, .producers_max = kProducers});
  std::atomic<std::uint64_t> left{events_each * kProducers};
  std::array<Seen, kConsumers> seen{};
  std::vector<std::thread> threads;
  for (std::size_t p = 0; p < kProducers; ++p) {
    threads.emplace_back([&, p] {
      std::minstd_rand random{static_cast<unsigned>(p + 1)};
      auto producer = ring.producer();
      for (std::uint64_t i = 0; i < events_each;) {
        const std::size_t batch = std::min<std::uint64_t>(1 + random() % 8, events_each - i);
        const std::size_t pushed = producer->try_emplace_n(
            batch, [&](std::size_t k) { return event_of(p, i + k, static_cast<Event*>(nullptr)); });
        i += pushed;
        if (pushed == 0) std::this_thread::yield();
        if (lanes == Lanes::changed_often && i % 64 == 0) {
          // Events of one producer in two lanes have no order: wait until the old lane is read.
          while (!ring.was_empty()) std::this_thread::yield();
          producer.reset();
          while (!producer) producer = ring.producer();
        }
      }
    });
  }
  for (std::size_t c = 0; c < kConsumers; ++c) {
    threads.emplace_back([&, c] {
      std::minstd_rand random{static_cast<unsigned>(c + 100)};
      auto consumer = ring.consumer();
      while (left.load(std::memory_order_relaxed) > 0) {
        const std::size_t max = 1 + random() % 8;
        const std::size_t count = consumer.consume(max, [&](const Event& event) { seen[c](open(event)); });
        left.fetch_sub(count, std::memory_order_relaxed);
        if (count == 0) std::this_thread::yield();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (std::size_t p = 0; p < kProducers; ++p) {
    std::uint64_t count = 0;
    std::uint64_t sum = 0;
    for (const Seen& one : seen) count += one.count[p], sum += one.sum[p];
    EXPECT_EQ(count, events_each) << "producer " << p;
    EXPECT_EQ(sum, events_each * (events_each - 1) / 2) << "producer " << p;
  }
  for (const Seen& one : seen) EXPECT_EQ(one.wrong, 0U);
}

// Claim:  under oversubscription no event is lost, doubled or torn, and each consumer sees each producer in order.
// Method: four producers and four consumers in lanes of 32 slots, batches of random sizes; sums on both sides.
TEST(MpmcRingStress, EveryEventGoesToOneConsumerInOrder) { run<Numbered>(scaled(1'000'000), Lanes::kept); }
TEST(MpmcRingStress, BoxedEventsToo) { run<std::unique_ptr<Numbered>>(scaled(200'000), Lanes::kept); }

// Claim:  lanes change owners under traffic without losing an event.
// Method: each producer gives its lane back and takes any other about every 64 events.
TEST(MpmcRingStress, LanesChangeOwners) { run<Numbered>(scaled(20'000), Lanes::changed_often); }

}  // namespace
}  // namespace headrace
