#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "counted.hpp"
#include "headrace/ring/mpmc_ring.hpp"

namespace headrace {
namespace {

constexpr MpmcRingOptions kSmall{.lane_capacity_slots = 4, .producers_max = 3};

// Claim:  events of one producer leave in the order in which they came, over many laps.
// Method: fill and drain at changing levels.
TEST(MpmcRing, KeepsTheOrderOfAProducer) {
  MpmcRing<std::uint64_t> ring(kSmall);
  auto producer = ring.producer().value();
  auto consumer = ring.consumer();
  std::uint64_t pushed = 0;
  std::uint64_t popped = 0;
  for (std::uint64_t lap = 0; lap < 2000; ++lap) {
    for (std::uint64_t i = 0; i < 1 + lap % 4; ++i) {
      ASSERT_EQ(producer.try_push(pushed++), PushResult::pushed);
    }
    for (std::uint64_t event = 0; consumer.try_pop(event);) ASSERT_EQ(event, popped++);
    ASSERT_EQ(popped, pushed);
  }
}

// Claim:  a lane holds its capacity, refuses the next event and leaves it with the caller; one slot vacated is one
//         slot free.
// Method: move-only events.
TEST(MpmcRing, HoldsItsCapacityAndRefusesWithoutTaking) {
  MpmcRing<std::unique_ptr<int>> ring(kSmall);
  auto producer = ring.producer().value();
  for (int i = 0; i < 4; ++i) ASSERT_EQ(producer.try_push(std::make_unique<int>(i)), PushResult::pushed);
  auto refused = std::make_unique<int>(4);
  EXPECT_EQ(producer.try_push(std::move(refused)), PushResult::full);
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(producer.room(3), 0U);
  auto consumer = ring.consumer();
  EXPECT_EQ(*consumer.try_pop().value(), 0);
  EXPECT_EQ(producer.room(3), 1U);
  EXPECT_EQ(producer.try_push(std::move(refused)), PushResult::pushed);
  EXPECT_EQ(refused, nullptr);
}

// Claim:  a batch that crosses the end of a lane arrives in order, and is cut where the room ends.
// Method: batches of 3 in lanes of 4 start at every offset, popped in twos.
TEST(MpmcRing, CutsBatchesAtTheRoomAndNotAtTheWrap) {
  MpmcRing<std::uint64_t> ring(kSmall);
  auto producer = ring.producer().value();
  auto consumer = ring.consumer();
  std::uint64_t pushed = 0;
  std::uint64_t popped = 0;
  std::array<std::uint64_t, 2> out{};
  while (popped < 300) {
    std::array<std::uint64_t, 3> batch{};
    std::iota(batch.begin(), batch.end(), pushed);
    pushed += producer.try_push(std::span<const std::uint64_t>(batch));
    const std::size_t count = consumer.try_pop(std::span(out));
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(out[i], popped++);
  }
}

// Claim:  events of any size and kind survive the way through their words.
// Method: three bytes, three words, a string, a type without default constructor.
TEST(MpmcRing, CarriesEventsOfAnySize) {
  struct Bytes {
    char bytes[3];
  };
  struct Words {
    explicit Words(std::uint64_t first) : words{first, first + 1, first + 2} {}
    std::uint64_t words[3];
  };
  MpmcRing<Bytes> bytes(kSmall);
  ASSERT_EQ(bytes.producer()->try_push(Bytes{{'a', 'b', 'c'}}), PushResult::pushed);
  EXPECT_EQ(bytes.consumer().try_pop()->bytes[2], 'c');
  MpmcRing<Words> words(kSmall);
  ASSERT_EQ(words.producer()->try_emplace(5U), PushResult::pushed);
  EXPECT_EQ(words.consumer().try_pop()->words[2], 7U);
  MpmcRing<std::string> strings(kSmall);
  ASSERT_EQ(strings.producer()->try_emplace(100U, 'x'), PushResult::pushed);
  EXPECT_EQ(strings.consumer().try_pop(), std::string(100, 'x'));
}

// Claim:  each event that is not trivially copyable is destroyed exactly once, popped or left in the ring.
// Method: count the living.
TEST(MpmcRing, DestroysEachEventExactlyOnce) {
  Counted::live = 0;
  {
    MpmcRing<Counted> ring(kSmall);
    auto one = ring.producer().value();
    auto two = ring.producer().value();
    auto consumer = ring.consumer();
    ASSERT_EQ(one.try_emplace(1), PushResult::pushed);
    ASSERT_EQ(consumer.try_pop()->value(), 1);
    ASSERT_EQ(Counted::live, 0);
    ASSERT_EQ(one.try_emplace_n(9, [](std::size_t) { return Counted{2}; }), 4U);
    ASSERT_EQ(two.try_emplace_n(2, [](std::size_t) { return Counted{3}; }), 2U);
    ASSERT_EQ(consumer.consume(2, [](Counted&& event) { static_cast<void>(event); }), 2U);
    ASSERT_EQ(Counted::live, 4);
  }
  EXPECT_EQ(Counted::live, 0);
}

// Claim:  there are producers_max lanes, and one given back is lent again with its unread events in place.
// Method: take all, give one back with an event in it, take it again, push behind that event.
TEST(MpmcRing, LendsALaneAgainWithItsUnreadEvents) {
  MpmcRing<int> ring(kSmall);
  auto one = ring.producer();
  auto two = ring.producer();
  auto three = ring.producer();
  ASSERT_TRUE(three.has_value());
  EXPECT_FALSE(ring.producer().has_value());
  ASSERT_EQ(two->try_push(1), PushResult::pushed);
  two.reset();
  auto again = ring.producer();
  ASSERT_TRUE(again.has_value());
  ASSERT_EQ(again->try_push(2), PushResult::pushed);
  auto consumer = ring.consumer();
  EXPECT_EQ(consumer.try_pop(), 1);
  EXPECT_EQ(consumer.try_pop(), 2);
  EXPECT_EQ(consumer.try_pop(), std::nullopt);
}

// Claim:  events outlive their producer.
// Method: the handle is gone before the consumer comes.
TEST(MpmcRing, DeliversWhatAGoneProducerPushed) {
  MpmcRing<int> ring(kSmall);
  ASSERT_EQ(ring.producer()->try_push(1), PushResult::pushed);
  EXPECT_FALSE(ring.was_empty());
  EXPECT_EQ(ring.consumer().try_pop(), 1);
  EXPECT_TRUE(ring.was_empty());
}

// Claim:  no lane starves: a consumer leaves a lane that never runs dry after kTurn events.
// Method: one producer refills its lane before every pop, another has pushed one event.
TEST(MpmcRing, LeavesABusyLaneAfterATurn) {
  using Ring = MpmcRing<int>;
  Ring ring({.lane_capacity_slots = 4, .producers_max = 2});
  auto busy = ring.producer().value();
  auto quiet = ring.producer().value();
  auto consumer = ring.consumer();
  ASSERT_EQ(quiet.try_push(2), PushResult::pushed);
  std::size_t pops = 0;
  for (int event = 1; event != 2; ++pops) {
    while (busy.try_push(1) == PushResult::pushed) {
    }
    ASSERT_TRUE(consumer.try_pop(event));
    ASSERT_LE(pops, Ring::kTurn);
  }
}

// Claim:  consumers are independent: each event goes to one of them.
// Method: three lanes drained by two consumers in turn; the events are counted by value.
TEST(MpmcRing, GivesEachEventToOneConsumer) {
  MpmcRing<int> ring(kSmall);
  std::vector<MpmcRing<int>::Producer> producers;
  for (int i = 0; i < 3; ++i) producers.push_back(ring.producer().value());
  for (int i = 0; i < 12; ++i) {
    ASSERT_EQ(producers[static_cast<std::size_t>(i % 3)].try_push(i), PushResult::pushed);
  }
  EXPECT_EQ(ring.size_approx(), 12U);
  auto one = ring.consumer();
  auto two = ring.consumer();
  std::map<int, int> seen;
  for (bool found = true; found;) {
    found = false;
    for (auto* consumer : {&one, &two}) {
      if (const auto event = consumer->try_pop()) ++seen[*event], found = true;
    }
  }
  EXPECT_EQ(seen.size(), 12U);
  for (const auto& [event, count] : seen) EXPECT_EQ(count, 1) << event;
}

// Claim:  options that cannot be had are refused.
// Method: death tests on the stable ids.
TEST(MpmcRing, RefusesOptionsThatCannotBeHad) {
  using Ring = MpmcRing<int>;
  EXPECT_DEATH(Ring({.lane_capacity_slots = 0}), "mpmc.capacity");
  EXPECT_DEATH(Ring({.lane_capacity_slots = 12}), "mpmc.capacity");
  EXPECT_DEATH(Ring({.lane_capacity_slots = 4, .producers_max = 0}), "mpmc.producers");
}

}  // namespace
}  // namespace headrace
