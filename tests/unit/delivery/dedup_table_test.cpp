#include "headrace/delivery/dedup_table.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

namespace headrace {
namespace {

using std::chrono::milliseconds;

EventTime at(std::int64_t ms) { return EventTime{std::chrono::seconds{1'700'000'000} + milliseconds{ms}}; }

/// The states alone, in a map, for a window that is never full.
struct DedupModel {
  struct Entry {
    DedupEnd end = DedupEnd::failed;
    bool running = false;
    std::uint16_t owner = 0;
    std::int64_t since = 0;
    std::uint8_t answer = 0;
  };
  std::map<DedupKey, Entry> entries;
  std::int64_t window;
  std::int64_t claim_for;

  DedupAnswer claim(const DedupKey& key, std::uint16_t owner, std::int64_t now) {
    Entry& entry = entries[key];
    if (entry.running && now - entry.since < claim_for) return {DedupClaim::in_progress, 0};
    if (!entry.running && entry.end == DedupEnd::done && now - entry.since < window) {
      return {DedupClaim::done, entry.answer};
    }
    entry = {DedupEnd::failed, true, owner, now, 0};
    return {DedupClaim::run, 0};
  }
  bool finish(const DedupFinish& end, std::uint16_t owner, std::int64_t now) {
    Entry& entry = entries[end.key];
    if (!entry.running || entry.owner != owner) return false;
    entry = {end.end, false, owner, now, end.answer};
    return true;
  }
};

// Claim:  while the window's size is not reached the table answers as a map of states does, whatever the order of
//         claims, ends, times and owners.
// Method: 20 seeds of 4,000 random operations on 200 keys.
TEST(DedupTable, AgreesWithAMapOfStates) {
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937_64 random{seed};
    DedupTable table{{.events_max = 256, .window = milliseconds{500}, .claim_for = milliseconds{100}}};
    DedupModel model{.entries = {}, .window = 500, .claim_for = 100};
    std::int64_t now = 0;
    for (int step = 0; step < 4000; ++step) {
      now += static_cast<std::int64_t>(random() % 8 == 0 ? random() % 300 : random() % 3);
      const DedupKey key{random() % 200, 5};
      const auto owner = static_cast<DedupTable::Owner>(random() % 3);
      if (random() % 2 == 0) {
        ASSERT_EQ(table.claim(key, owner, at(now)), model.claim(key, owner, now)) << seed << " " << step;
      } else {
        const DedupFinish end{key, random() % 3 == 0 ? DedupEnd::failed : DedupEnd::done,
                              static_cast<std::uint8_t>(random() % 256)};
        ASSERT_EQ(table.finish(end, owner, at(now)), model.finish(end, owner, now)) << seed << " " << step;
      }
    }
  }
}

// Claim:  the index finds every entry of the window, and none that gave way, over many turns of the ring.
// Method: random keys through a small window; after each turn the last ones are done and the ones before are not.
TEST(DedupTable, IndexHoldsExactlyTheWindow) {
  std::mt19937_64 random{1};
  DedupTable table{{.events_max = 64}};
  std::vector<DedupKey> keys;
  for (std::size_t i = 0; i < 64 * 50; ++i) {
    keys.push_back({random(), random()});
    ASSERT_EQ(table.claim(keys[i], 1, at(0)).claim, DedupClaim::run);
    ASSERT_TRUE(table.finish({keys[i]}, 1, at(0)));
    if (i % 16 != 0 || i < 64) continue;
    for (std::size_t back = 0; back < 64; ++back) {
      ASSERT_EQ(table.claim(keys[i - back], 2, at(0)).claim, DedupClaim::done) << i << " " << back;
    }
    ASSERT_FALSE(table.finish({keys[i - 64]}, 1, at(0)));
  }
  EXPECT_EQ(table.size(), 64U);
}

// Claim:  nothing is refused however long the window moves on: what gave way leaves its room in the index.
// Method: 500 turns of a window.
TEST(DedupTable, WindowMovesOnForEver) {
  DedupTable table{{.events_max = 4096}};
  for (std::uint64_t i = 0; i < 4096 * 500; ++i) {
    const DedupKey key{i, mix64(i)};
    ASSERT_EQ(table.claim(key, 1, at(0)).claim, DedupClaim::run) << i;
    ASSERT_TRUE(table.finish({key}, 1, at(0))) << i;
  }
}

// Claim:  an entry costs 32 bytes, and the size is rounded up to a power of two.
// Method: ask.
TEST(DedupTable, TakesThirtyTwoBytesAnEntry) {
  const DedupTable table{{.events_max = 1000}};
  EXPECT_EQ(table.capacity(), 1024U);
  EXPECT_EQ(table.memory_bytes(), 32U * 1024U);
}

// Claim:  an entry that was claimed anew counts from then: it does not give way in its old turn.
// Method: the oldest of a full window fails and runs again; then the window moves on by half its size.
TEST(DedupTable, EntryClaimedAnewOutlivesItsOldTurn) {
  DedupTable table{{.events_max = 64}};
  const auto key = [](std::uint64_t i) { return DedupKey{i, i}; };
  for (std::uint64_t i = 0; i < 64; ++i) {
    EXPECT_EQ(table.claim(key(i), 1, at(0)).claim, DedupClaim::run);
    table.finish({key(i), i == 0 ? DedupEnd::failed : DedupEnd::done}, 1, at(0));
  }
  EXPECT_EQ(table.claim(key(0), 1, at(1)).claim, DedupClaim::run);
  EXPECT_TRUE(table.finish({key(0)}, 1, at(1)));
  for (std::uint64_t i = 64; i < 96; ++i) EXPECT_EQ(table.claim(key(i), 1, at(1)).claim, DedupClaim::run);
  EXPECT_EQ(table.claim(key(0), 1, at(1)).claim, DedupClaim::done);
  EXPECT_EQ(table.claim(key(1), 1, at(1)).claim, DedupClaim::run);
}

// Claim:  a clock that jumps far ahead makes all old, one that jumps back nothing younger, and old entries never
//         look young again when the small counter of time wraps.
// Method: jumps of a hundred days and of exactly 2^32 milliseconds, and back.
TEST(DedupTable, ClockJumps) {
  constexpr std::int64_t kDay = 86'400'000;
  for (const std::int64_t jump : {100 * kDay, std::int64_t{1} << 32, (std::int64_t{1} << 32) + 1}) {
    DedupTable table{{.events_max = 64, .window = milliseconds{1000}}};
    EXPECT_EQ(table.claim({1, 1}, 1, at(0)).claim, DedupClaim::run);
    EXPECT_TRUE(table.finish({{1, 1}}, 1, at(0)));
    EXPECT_EQ(table.claim({1, 1}, 1, at(-5000)).claim, DedupClaim::done);
    EXPECT_EQ(table.claim({1, 1}, 1, at(jump)).claim, DedupClaim::run);
  }
}

// Claim:  what was forgotten can be finished by nobody, though its entry's memory still shows it.
// Method: two claims, of which the second would be the next to finish, and then a hundred days.
TEST(DedupTable, ForgottenClaimsAreNotFinished) {
  DedupTable table{{.events_max = 64}};
  EXPECT_EQ(table.claim({1, 1}, 1, at(0)).claim, DedupClaim::run);
  EXPECT_EQ(table.claim({2, 2}, 1, at(0)).claim, DedupClaim::run);
  EXPECT_TRUE(table.finish({{1, 1}}, 1, at(0)));
  EXPECT_FALSE(table.finish({{2, 2}}, 1, at(std::int64_t{100} * 86'400'000)));
  EXPECT_EQ(table.size(), 0U);
}

// Claim:  a renewed claim runs out as if it were made at the time given; only its owner renews it; one that ran out and
//         that nobody took is there again.
// Method: claims of 100 ms, renewed for half a second later, for now, and by others; a done event.
TEST(DedupTable, RenewedClaimsLastFromTheTimeGiven) {
  DedupTable table{{.events_max = 64, .window = milliseconds{500}, .claim_for = milliseconds{100}}};
  const DedupKey key{1, 1};
  EXPECT_FALSE(table.renew(key, 1, at(0), at(500)));
  EXPECT_EQ(table.claim(key, 1, at(0)).claim, DedupClaim::run);
  EXPECT_FALSE(table.renew(key, 2, at(0), at(500)));
  EXPECT_TRUE(table.renew(key, 1, at(50), at(550)));
  EXPECT_EQ(table.claim(key, 2, at(649)).claim, DedupClaim::in_progress);
  EXPECT_TRUE(table.renew(key, 1, at(650), at(0)));
  EXPECT_EQ(table.claim(key, 2, at(749)).claim, DedupClaim::in_progress);
  EXPECT_EQ(table.claim(key, 2, at(750)).claim, DedupClaim::run);
  EXPECT_FALSE(table.renew(key, 1, at(750), at(900)));
  EXPECT_TRUE(table.finish({key}, 2, at(750)));
  EXPECT_FALSE(table.renew(key, 2, at(750), at(900)));
}

// Claim:  what is over stays over while the small counter of time wraps, however often somebody looks, and a renewed
//         claim lasts no longer than the counter can tell.
// Method: a claim that its owner forgot and a done event, asked for after more than 2^31 and than 2^32 milliseconds that
//         went by day for day; a claim renewed by a hundred years.
TEST(DedupTable, NothingComesBackWhenTimeWraps) {
  constexpr std::int64_t kDay = 86'400'000;
  for (const std::int64_t days : {26, 37, 50}) {
    DedupTable table{{.events_max = 64, .window = milliseconds{kDay / 100}, .claim_for = milliseconds{100}}};
    EXPECT_EQ(table.claim({1, 1}, 1, at(0)).claim, DedupClaim::run);
    EXPECT_EQ(table.claim({2, 2}, 1, at(0)).claim, DedupClaim::run);
    EXPECT_TRUE(table.finish({{2, 2}}, 1, at(0)));
    for (std::int64_t day = 1; day <= days; ++day) table.finish({{9, 9}}, 1, at(day * kDay));
    EXPECT_EQ(table.claim({1, 1}, 2, at(days * kDay)).claim, DedupClaim::run) << days;
    EXPECT_EQ(table.claim({2, 2}, 2, at(days * kDay)).claim, DedupClaim::run) << days;
  }
  DedupTable table{{.events_max = 64}};
  EXPECT_EQ(table.claim({1, 1}, 1, at(0)).claim, DedupClaim::run);
  EXPECT_TRUE(table.renew({1, 1}, 1, at(0), at(36'500 * kDay)));
  EXPECT_EQ(table.claim({1, 1}, 2, at(12 * kDay)).claim, DedupClaim::in_progress);
  EXPECT_EQ(table.claim({1, 1}, 2, at(13 * kDay)).claim, DedupClaim::run);
}

}  // namespace
}  // namespace headrace
