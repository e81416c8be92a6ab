#include "headrace/dispatch/overflow_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "counted.hpp"
#include "headrace/dispatch/shared_event.hpp"

namespace headrace {
namespace {

using test::Counted;

SharedEvent* make(std::uint64_t number, std::uint32_t references = 1) {
  const EventOps& ops = event_ops<Counted>();
  SharedEvent* event = SharedEvent::allocate(ops, references);
  Counted source(number);
  ops.move(event->data(), &source);
  return event;
}
std::uint64_t number_of(SharedEvent* event) { return *static_cast<Counted*>(event->data())->value; }

struct Entry : DispatchEntry {
  explicit Entry(const Overflow& overflow) {
    place.overflow = overflow;
    ops = &event_ops<Counted>();
  }
};

std::vector<std::uint64_t> take_all(OverflowQueue& queue) {
  std::vector<std::uint64_t> numbers;
  for (auto taken = queue.take(); taken.entry != nullptr; taken = queue.take()) {
    numbers.push_back(number_of(taken.event));
    taken.event->release();
    queue.settle(taken);
  }
  return numbers;
}

// Claim:  a shared event is destroyed with its last reference, and no earlier; one whose event was never built
//         frees its memory alone.
// Method: three references of a counted event.
TEST(SharedEvent, DiesWithItsLastReference) {
  SharedEvent* event = make(5, 3);
  EXPECT_EQ(Counted::alive.load(), 1);
  event->release();
  event->release();
  EXPECT_EQ(Counted::alive.load(), 1);
  EXPECT_EQ(number_of(event), 5U);
  event->release();
  EXPECT_EQ(Counted::alive.load(), 0);
  SharedEvent::allocate(event_ops<Counted>(), 1)->discard_unbuilt();
  EXPECT_EQ(Counted::alive.load(), 0);
}

struct alignas(256) Wide {
  std::uint64_t value;
};

// Claim:  an event beyond the lanes' alignment stands where it must.
// Method: 256 bytes of alignment.
TEST(SharedEvent, KeepsLargeAlignments) {
  SharedEvent* event = SharedEvent::allocate(event_ops<Wide>(), 1);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(event->data()) % 256, 0U);
  event->release();
}

// Claim:  events of one policy come out in the order pushed; each policy counts its own until they are settled.
// Method: two policies pushed in turn; nothing is settled before everything was taken.
TEST(OverflowQueue, KeepsOrderWithinAPolicy) {
  const Entry spill(Overflow::spill());
  const Entry drop(Overflow::drop_oldest());
  OverflowQueue queue;
  for (std::uint64_t i = 0; i < 10; ++i) queue.push(i % 2 == 0 ? spill : drop, make(i));
  EXPECT_EQ(queue.pending(), 10U);
  EXPECT_EQ(queue.pending(Overflow::Policy::spill), 5U);
  EXPECT_EQ(queue.pending(Overflow::Policy::block), 0U);
  std::vector<OverflowQueue::Taken> taken;
  for (int i = 0; i < 10; ++i) taken.push_back(queue.take());
  EXPECT_EQ(queue.take().entry, nullptr);
  EXPECT_EQ(queue.pending(), 10U);
  std::uint64_t next[2] = {0, 1};
  for (const auto& each : taken) {
    auto& expected = next[each.entry == &spill ? 0 : 1];
    EXPECT_EQ(number_of(each.event), expected);
    expected += 2;
    each.event->release();
    queue.settle(each);
  }
  EXPECT_EQ(queue.pending(), 0U);
  EXPECT_EQ(Counted::alive.load(), 0);
}

// Claim:  drop_oldest takes the oldest of its own policy and leaves all others.
// Method: a spilled event is older than all that may be dropped.
TEST(OverflowQueue, DropsOnlyWhatMayBeDropped) {
  const Entry spill(Overflow::spill());
  const Entry drop(Overflow::drop_oldest());
  OverflowQueue queue;
  EXPECT_EQ(queue.drop_oldest().entry, nullptr);
  queue.push(spill, make(0));
  EXPECT_EQ(queue.drop_oldest().entry, nullptr);
  queue.push(drop, make(1));
  queue.push(drop, make(2));
  const auto dropped = queue.drop_oldest();
  EXPECT_EQ(dropped.entry, &drop);
  EXPECT_EQ(number_of(dropped.event), 1U);
  dropped.event->release();
  std::vector<std::uint64_t> rest = take_all(queue);
  std::sort(rest.begin(), rest.end());
  EXPECT_EQ(rest, (std::vector<std::uint64_t>{0, 2}));
}

// Claim:  conflation replaces the event of a key while it waits, keeps its place in line, and begins anew once it
//         was taken; the keys remembered stay as few as there are events waiting, or nearly.
// Method: three keys replaced over and over; then many thousand keys, each taken before the next comes.
TEST(OverflowQueue, ReplacesTheWaitingEventOfAKey) {
  const Entry conflate(Overflow::conflate());
  {
    OverflowQueue queue;
    EXPECT_FALSE(queue.waits(conflate, 1));
    for (std::uint64_t key = 1; key <= 3; ++key) queue.push_replaceable(conflate, key, make(key));
    for (std::uint64_t i = 10; i < 100; ++i) {
      EXPECT_TRUE(queue.waits(conflate, i % 3 + 1));
      SharedEvent* replaced = queue.replace(conflate, i % 3 + 1, make(i));
      ASSERT_NE(replaced, nullptr);
      replaced->release();
    }
    EXPECT_EQ(queue.pending(), 3U);
    EXPECT_EQ(take_all(queue), (std::vector<std::uint64_t>{99, 97, 98}));
    EXPECT_FALSE(queue.waits(conflate, 1));
    SharedEvent* next = make(200);
    EXPECT_EQ(queue.replace(conflate, 1, next), nullptr);
    queue.push_replaceable(conflate, 1, next);
    EXPECT_TRUE(queue.waits(conflate, 1));
    for (std::uint64_t key = 1000; key < 20'000; ++key) {
      queue.push_replaceable(conflate, key, make(key));
      auto taken = queue.take();
      taken.event->release();
      queue.settle(taken);
    }
  }
  EXPECT_EQ(Counted::alive.load(), 0);
}

}  // namespace
}  // namespace headrace
