#include "headrace/delivery/key_order.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "counted.hpp"

namespace headrace {
namespace {

using Room = KeyOrder<std::uint64_t>;
using Items = std::vector<std::uint64_t>;

WaitAnswer wait(Room& room, std::uint64_t key, std::uint64_t item) { return room.wait(key, item); }

Items release(Room& room, std::uint64_t key) {
  Items items;
  room.release(key, [&](std::uint64_t item) {
    items.push_back(item);
    return true;
  });
  return items;
}

// Claim:  whatever the keys do, each key's events come out in the order they went in, a released key is free, and
//         the room is never over its budget.
// Method: 30 seeds of 3,000 random operations against a map of queues; keys that crowd the table.
TEST(KeyOrder, AgreesWithAMapOfQueues) {
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    std::mt19937_64 random{seed};
    Room room{{.events_max = 40, .keys_max = 12}};
    std::map<std::uint64_t, std::deque<std::uint64_t>> model;
    std::uint32_t waiting = 0;
    for (std::uint64_t step = 0; step < 3000; ++step) {
      const std::uint64_t key = random() % 20;
      switch (random() % 5) {
        case 0:
          ASSERT_EQ(room.hold(key), model.contains(key) || model.size() < 12);
          if (model.size() < 12) model.try_emplace(key);
          break;
        case 1: {
          // Runs up to three of the key's events; then one fails and the rest waits on.
          const std::uint64_t runs = random() % 4;
          Items items;
          const std::uint32_t ran = room.release(key, [&](std::uint64_t item) {
            items.push_back(item);
            return items.size() <= runs;
          });
          Items expected;
          if (const auto known = model.find(key); known != model.end()) {
            auto& queue = known->second;
            while (!queue.empty() && expected.size() <= runs) {
              expected.push_back(queue.front());
              queue.pop_front();
            }
            // Asked whether it may go on, release finds nothing left and frees the key.
            if (queue.empty() && expected.size() <= runs) model.erase(known);
          }
          ASSERT_EQ(items, expected);
          ASSERT_EQ(ran, expected.size());
          waiting -= ran;
          break;
        }
        default: {
          const auto known = model.find(key);
          const WaitAnswer expected = known == model.end() ? WaitAnswer::not_held
                                      : waiting == 40      ? WaitAnswer::block
                                                           : WaitAnswer::queued;
          ASSERT_EQ(wait(room, key, step), expected);
          if (expected == WaitAnswer::queued) {
            known->second.push_back(step);
            ++waiting;
          }
        }
      }
      ASSERT_EQ(room.is_held(key), model.contains(key));
      ASSERT_EQ(room.events(), waiting);
      ASSERT_EQ(room.keys(), model.size());
    }
    for (auto& [key, queue] : model) EXPECT_EQ(release(room, key), Items(queue.begin(), queue.end()));
    EXPECT_EQ(room.keys(), 0U);
  }
}

// Claim:  other keys do not notice that one is held.
// Method: hold one of two.
TEST(KeyOrder, OtherKeysFlow) {
  Room room;
  EXPECT_EQ(wait(room, 1, 10), WaitAnswer::not_held);
  EXPECT_TRUE(room.hold(1));
  EXPECT_EQ(wait(room, 1, 11), WaitAnswer::queued);
  EXPECT_EQ(wait(room, 2, 20), WaitAnswer::not_held);
  EXPECT_EQ(release(room, 1), (Items{11}));
  EXPECT_FALSE(room.is_held(1));
  EXPECT_EQ(release(room, 1), Items{});
}

// Claim:  a full room answers by its policy and leaves the event with the caller.
// Method: each policy with room for one move-only event that counts itself.
TEST(KeyOrder, FullRoomAnswersByItsPolicy) {
  using test::Counted;
  const auto before = Counted::alive.load();
  for (const auto& [policy, answer] : {std::pair{WhenRoomFull::block, WaitAnswer::block},
                                       std::pair{WhenRoomFull::dead_letter, WaitAnswer::dead_letter},
                                       std::pair{WhenRoomFull::drop, WaitAnswer::drop}}) {
    KeyOrder<Counted> room{{.events_max = 1, .keys_max = 1, .when_full = policy}};
    EXPECT_TRUE(room.hold(1));
    EXPECT_FALSE(room.hold(2));
    Counted first{1};
    Counted second{2};
    EXPECT_EQ(room.wait(1, first), WaitAnswer::queued);
    EXPECT_EQ(room.wait(1, second), answer);
    EXPECT_EQ(*second.value, 2U);
  }
  EXPECT_EQ(Counted::alive.load(), before);
}

// Claim:  what runs out of the room may hold and release other keys, and put new events behind its own.
// Method: each event of key 1 adds one more until five ran, and turns other keys about, so that slots move.
TEST(KeyOrder, RunMayChangeTheRoom) {
  Room room{{.events_max = 8, .keys_max = 8}};
  EXPECT_TRUE(room.hold(1));
  EXPECT_EQ(wait(room, 1, 0), WaitAnswer::queued);
  Items ran;
  for (std::uint64_t key = 2; key < 9; ++key) EXPECT_TRUE(room.hold(key));
  room.release(1, [&](std::uint64_t item) {
    ran.push_back(item);
    EXPECT_EQ(release(room, item + 2), Items{});
    if (item < 4) {
      EXPECT_EQ(wait(room, 1, item + 1), WaitAnswer::queued);
    }
    return true;
  });
  EXPECT_EQ(ran, (Items{0, 1, 2, 3, 4}));
  EXPECT_EQ(room.keys(), 2U);
}

// Claim:  drain hands out everything, in order within each key, and frees all keys.
// Method: two keys with two events each.
TEST(KeyOrder, DrainTakesAll) {
  Room room;
  for (std::uint64_t key = 1; key <= 2; ++key) {
    EXPECT_TRUE(room.hold(key));
    EXPECT_EQ(wait(room, key, key * 10), WaitAnswer::queued);
    EXPECT_EQ(wait(room, key, key * 10 + 1), WaitAnswer::queued);
  }
  std::map<std::uint64_t, Items> taken;
  room.drain([&](std::uint64_t key, std::uint64_t item) { taken[key].push_back(item); });
  EXPECT_EQ(taken, (std::map<std::uint64_t, Items>{{1, {10, 11}}, {2, {20, 21}}}));
  EXPECT_EQ(room.keys(), 0U);
  EXPECT_EQ(room.events(), 0U);
}

}  // namespace
}  // namespace headrace
