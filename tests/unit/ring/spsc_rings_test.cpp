#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

#include "counted.hpp"
#include "headrace/ring/spsc_ring.hpp"
#include "headrace/ring/spsc_span_ring.hpp"

namespace headrace {
namespace {

/// Both SPSC rings have one face. A ring of at least eight slots of T: exactly eight in SpscSpanRing, eight or
/// more in groups of any size in SpscRing.
struct InSpans {
  template <class T>
  struct Ring : SpscSpanRing<T> {
    Ring() : SpscSpanRing<T>({.capacity_slots = 8}) {}
  };
};
template <std::size_t group_slots>
struct InGroups {
  template <class T>
  struct Ring : SpscRing<T, group_slots> {
    Ring() : SpscRing<T, group_slots>(8) {}
  };
};

template <class Kind>
class SpscRings : public testing::Test {};
using Kinds = testing::Types<InSpans, InGroups<1>, InGroups<3>, InGroups<7>, InGroups<31>>;
TYPED_TEST_SUITE(SpscRings, Kinds);

std::vector<std::uint64_t> numbers(std::uint64_t first, std::size_t count) {
  std::vector<std::uint64_t> events(count);
  std::iota(events.begin(), events.end(), first);
  return events;
}

// Claim:  events leave in the order in which they came, over many laps.
// Method: fill levels of one to capacity, moving round the ring; every event is compared.
TYPED_TEST(SpscRings, KeepsTheOrderAcrossManyLaps) {
  typename TypeParam::template Ring<std::uint64_t> ring;
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  std::uint64_t pushed = 0;
  std::uint64_t popped = 0;
  for (std::size_t lap = 0; lap < 100; ++lap) {
    for (std::size_t i = 0; i < 1 + lap % ring.capacity_slots(); ++i) {
      if (producer.try_push(pushed) == PushResult::pushed) ++pushed;
    }
    for (std::uint64_t event = 0; consumer.try_pop(event); ++popped) ASSERT_EQ(event, popped);
    ASSERT_EQ(popped, pushed);
  }
  EXPECT_GT(pushed, 100U);
}

// Claim:  a ring holds capacity_slots() events, refuses the next one, and leaves that with the caller.
// Method: push move-only events until full; the refused one must still own its value.
TYPED_TEST(SpscRings, HoldsItsCapacityAndRefusesWithoutTaking) {
  typename TypeParam::template Ring<std::unique_ptr<int>> ring;
  auto producer = ring.producer();
  for (std::size_t i = 0; i < ring.capacity_slots(); ++i) {
    ASSERT_EQ(producer.try_push(std::make_unique<int>(1)), PushResult::pushed);
  }
  auto refused = std::make_unique<int>(2);
  EXPECT_EQ(producer.try_push(std::move(refused)), PushResult::full);
  ASSERT_NE(refused, nullptr);
  EXPECT_EQ(*refused, 2);
}

// Claim:  a consumer that has found the ring empty has given back everything.
// Method: fill, drain until empty, fill again to the last slot.
TYPED_TEST(SpscRings, TakesAFullLoadAgainAfterItWasFoundEmpty) {
  typename TypeParam::template Ring<std::uint64_t> ring;
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  const auto load = numbers(0, ring.capacity_slots());
  for (int lap = 0; lap < 20; ++lap) {
    ASSERT_EQ(producer.try_push(std::span<const std::uint64_t>(load)), load.size());
    std::size_t seen = 0;
    while (consumer.try_pop()) ++seen;
    ASSERT_EQ(seen, load.size());
    ASSERT_TRUE(consumer.was_empty());
  }
}

// Claim:  a batch that crosses the end of the ring's memory arrives whole and in order, and one that does not fit
//         is cut where the room ends.
// Method: batches of 5 in a ring of 8 start at every offset; what was not taken is pushed again.
TYPED_TEST(SpscRings, CutsBatchesAtTheRoomAndNotAtTheWrap) {
  typename TypeParam::template Ring<std::uint64_t> ring;
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  std::uint64_t pushed = 0;
  std::uint64_t popped = 0;
  while (pushed < 500) {
    const auto batch = numbers(pushed, 5);
    pushed += producer.try_push(std::span<const std::uint64_t>(batch));
    consumer.consume(3, [&](std::uint64_t event) { EXPECT_EQ(event, popped++); });
  }
  while (consumer.consume(3, [&](std::uint64_t event) { EXPECT_EQ(event, popped++); }) > 0) {
  }
  EXPECT_EQ(popped, pushed);
}

// Claim:  consume() hands out at most what it was asked for.
// Method: six events, asked for four, then for a hundred.
TYPED_TEST(SpscRings, ConsumesNoMoreThanAskedFor) {
  typename TypeParam::template Ring<std::uint64_t> ring;
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  ASSERT_EQ(producer.try_push(std::span<const std::uint64_t>(numbers(0, 6))), 6U);
  const auto ignore = [](std::uint64_t) {};
  EXPECT_EQ(consumer.consume(4, ignore), 4U);
  EXPECT_EQ(consumer.consume(100, ignore), 2U);
  EXPECT_EQ(consumer.consume(100, ignore), 0U);
}

// Claim:  a claim may be committed in part, and only the committed slots are seen.
// Method: claim up to four, fill all, commit one less; the next claim starts behind it.
TYPED_TEST(SpscRings, PublishesOnlyTheCommittedPartOfAClaim) {
  typename TypeParam::template Ring<std::uint64_t> ring;
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  std::uint64_t next = 0;
  std::uint64_t expected = 0;
  for (int lap = 0; lap < 50; ++lap) {
    const std::span<std::uint64_t> claimed = producer.claim(4);
    ASSERT_FALSE(claimed.empty());
    ASSERT_LE(claimed.size(), 4U);
    ASSERT_TRUE(consumer.was_empty());
    const std::size_t part = std::max<std::size_t>(1, claimed.size() - 1);
    for (std::size_t i = 0; i < claimed.size(); ++i) claimed[i] = i < part ? next++ : 999'999;
    producer.commit(part);
    std::uint64_t event = 0;
    while (consumer.try_pop(event)) ASSERT_EQ(event, expected++);
  }
  EXPECT_EQ(expected, next);
}

// Claim:  a claim of a full ring is empty; committing nothing publishes nothing.
// Method: claim until none is left, then once more; the same with commit(0) on a fresh ring.
TYPED_TEST(SpscRings, ClaimsNothingWhenFullAndPublishesNothingForNothing) {
  typename TypeParam::template Ring<std::uint64_t> ring;
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  producer.commit(0);
  EXPECT_TRUE(consumer.was_empty());
  std::size_t held = 0;
  for (auto claimed = producer.claim(100); !claimed.empty(); claimed = producer.claim(100)) {
    std::fill(claimed.begin(), claimed.end(), std::uint64_t{0});
    producer.commit(claimed.size());
    held += claimed.size();
  }
  EXPECT_EQ(held, ring.capacity_slots());
  EXPECT_TRUE(producer.claim(1).empty());
}

// Claim:  events can be read in place and released bit by bit.
// Method: spans of readable() are compared and released one event less than shown, until nothing is left.
TYPED_TEST(SpscRings, ShowsEventsInPlaceUntilTheyAreReleased) {
  typename TypeParam::template Ring<std::uint64_t> ring;
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  std::uint64_t pushed = 0;
  std::uint64_t read = 0;
  for (int lap = 0; lap < 50; ++lap) {
    while (producer.try_push(pushed) == PushResult::pushed) ++pushed;
    for (auto events = consumer.readable(); !events.empty(); events = consumer.readable()) {
      for (std::size_t i = 0; i < events.size(); ++i) ASSERT_EQ(events[i], read + i);
      const std::size_t part = std::max<std::size_t>(1, events.size() - 1);
      consumer.release(part);
      read += part;
    }
    ASSERT_EQ(read, pushed);
  }
}

// Claim:  each event is destroyed exactly once, whether popped, consumed in place, released, or left in the ring.
// Method: count the living; fifteen rounds put the leftovers at every place of the ring.
TYPED_TEST(SpscRings, DestroysEachEventExactlyOnce) {
  Counted::live = 0;
  for (int shift = 0; shift < 15; ++shift) {
    {
      typename TypeParam::template Ring<Counted> ring;
      auto producer = ring.producer();
      auto consumer = ring.consumer();
      for (int i = 0; i < shift; ++i) {
        ASSERT_EQ(producer.try_emplace(i), PushResult::pushed);
        ASSERT_EQ(consumer.try_pop().value().value(), i);
        ASSERT_FALSE(consumer.try_pop());
      }
      ASSERT_EQ(Counted::live, 0);
      ASSERT_EQ(producer.try_emplace_n(6, [](std::size_t i) { return Counted{static_cast<int>(i)}; }), 6U);
      ASSERT_EQ(Counted::live, 6);
      ASSERT_EQ(consumer.consume(2, [](Counted&& event) { static_cast<void>(event); }), 2U);
      ASSERT_EQ(Counted::live, 4);
      ASSERT_FALSE(consumer.readable().empty());
      ASSERT_EQ(consumer.readable()[0].value(), 2);
      consumer.release(1);
      Counted kept;
      ASSERT_TRUE(consumer.try_pop(kept));
      ASSERT_EQ(kept.value(), 3);
      ASSERT_EQ(Counted::live, 3);
    }
    ASSERT_EQ(Counted::live, 0) << "leftovers at shift " << shift;
  }
}

// Claim:  a role given back can be taken again and goes on where it stopped.
// Method: new handles for every event.
TYPED_TEST(SpscRings, GoesOnWhereThePreviousHandlesStopped) {
  typename TypeParam::template Ring<std::uint64_t> ring;
  for (std::uint64_t i = 0; i < 50; ++i) {
    ASSERT_EQ(ring.producer().try_push(i), PushResult::pushed);
    ASSERT_EQ(ring.consumer().try_pop(), i);
    ASSERT_EQ(ring.consumer().try_pop(), std::nullopt);
  }
}

// Claim:  a moved handle is the handle.
// Method: push through the moved producer, pop through the moved consumer.
TYPED_TEST(SpscRings, HandlesMove) {
  typename TypeParam::template Ring<std::uint64_t> ring;
  auto first_producer = ring.producer();
  auto first_consumer = ring.consumer();
  ASSERT_EQ(first_producer.try_push(7), PushResult::pushed);
  auto producer = std::move(first_producer);
  auto consumer = std::move(first_consumer);
  ASSERT_EQ(producer.try_push(8), PushResult::pushed);
  EXPECT_EQ(consumer.try_pop(), 7U);
  EXPECT_EQ(consumer.try_pop(), 8U);
}

// Claim:  a second producer or consumer, or a ring that dies before its handles, is a programmer error.
// Method: death tests on the stable ids.
TYPED_TEST(SpscRings, RefusesASecondHandleOfARole) {
  typename TypeParam::template Ring<std::uint64_t> ring;
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  EXPECT_DEATH(static_cast<void>(ring.producer()), "spsc.*producer");
  EXPECT_DEATH(static_cast<void>(ring.consumer()), "spsc.*consumer");
}
TYPED_TEST(SpscRings, DiesWhenAHandleOutlivesIt) {
  using Ring = typename TypeParam::template Ring<std::uint64_t>;
  EXPECT_DEATH(
      {
        auto ring = std::make_unique<Ring>();
        [[maybe_unused]] const auto* producer = new auto(ring->producer());
        ring.reset();
      },
      "spsc.*handles");
}

// Claim:  capacities that cannot be had are refused.
// Method: death tests.
TEST(SpscRing, RefusesNoCapacity) { EXPECT_DEATH(SpscRing<int>{0}, "spsc.capacity"); }
TEST(SpscSpanRing, RefusesACapacityThatIsNoPowerOfTwo) {
  EXPECT_DEATH(SpscSpanRing<int>({.capacity_slots = 0}), "spsc_span.capacity");
  EXPECT_DEATH(SpscSpanRing<int>({.capacity_slots = 12}), "spsc_span.capacity");
}

// Claim:  a capacity is rounded up to whole groups.
// Method: ask for one more than a group holds.
TEST(SpscRing, RoundsItsCapacityUpToWholeGroups) {
  EXPECT_EQ((SpscRing<int, 7>{8}.capacity_slots()), 14U);
  EXPECT_EQ((SpscRing<int, 7>{7}.capacity_slots()), 7U);
}

// Claim:  an event of 8 bytes costs no line of its own, seven share one with their header; bigger alignments hold.
// Method: addresses of slots in place.
TEST(SpscRing, AlignsItsSlots) {
  struct alignas(64) Line {
    std::uint64_t words[8];
  };
  SpscRing<Line> ring{4};
  auto producer = ring.producer();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(producer.claim(1).data()) % 64, 0U);
  SpscRing<std::uint64_t> small{7};
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(small.producer().claim(7).data()) % 64, 8U);
}

// Claim:  size_approx counts what was pushed and not yet given back.
// Method: one thread, exact figures.
TEST(SpscSpanRing, TellsItsSize) {
  SpscSpanRing<int> ring({.capacity_slots = 8});
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  EXPECT_EQ(ring.size_approx(), 0U);
  ASSERT_EQ(producer.try_push(1), PushResult::pushed);
  ASSERT_EQ(producer.try_push(2), PushResult::pushed);
  EXPECT_EQ(ring.size_approx(), 2U);
  ASSERT_EQ(consumer.try_pop(), 1);
  EXPECT_EQ(ring.size_approx(), 1U);
}

}  // namespace
}  // namespace headrace
