#include "headrace/delivery/dedup_index.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>

namespace headrace {
namespace {

constexpr std::uint32_t kEntries = 64;
constexpr std::uint32_t kTwoTurns = 2 * kEntries;

/// A full ring and the index into it, and which hash has which number.
struct FullRing {
  DedupIndex index{kEntries};
  DedupIndex::Ring ring;
  std::map<std::uint64_t, std::uint64_t> hashes;  ///< by number

  [[nodiscard]] std::uint32_t find(std::uint64_t hash) const {
    return index.find(hash, ring, [&](std::uint32_t low) {
      const std::uint64_t turned = (low - ring.first) % kTwoTurns;
      return turned < ring.count && hashes.at(ring.first + turned) == hash;
    });
  }
  void place(std::uint64_t hash) {
    const std::uint64_t number = ring.first + ring.count;
    ASSERT_TRUE(index.insert(hash, number, ring));
    hashes[number] = hash;
    ++ring.count;
  }
  void give_way() {
    hashes.erase(ring.first++);
    --ring.count;
  }
  void turn() {
    const std::uint64_t behind = ring.first + kEntries;
    index.renumber(hashes[ring.first], ring.first, behind);
    hashes[behind] = hashes[ring.first];
    hashes.erase(ring.first++);
  }
};

// Claim:  every entry of the ring is found and nothing else, though nothing is taken out of the index: whether entries
//         stand in their own bucket or far from it, have just come or have been there for many turns.
// Method: 40 turns of a ring of 64, with hashes of one to eight of the eight buckets and tags that are often alike.
TEST(DedupIndex, FindsWhatTheRingHolds) {
  for (std::uint32_t buckets = 1; buckets <= 8; ++buckets) {
    std::mt19937_64 random{buckets};
    std::uint64_t made = 0;
    const auto hash = [&] {
      ++made;
      return made << 50 | (made % 512) << 32 | random() % buckets;
    };
    FullRing full;
    std::uint64_t gone = 0;
    for (std::uint32_t step = 0; step < 40 * kEntries; ++step) {
      if (full.ring.count == kEntries) {
        while (random() % 4 == 0) full.turn();
        gone = full.hashes.begin()->second;
        full.give_way();
      }
      full.place(hash());
      for (const auto& [number, of] : full.hashes) ASSERT_EQ(full.find(of), number % kTwoTurns) << step;
      ASSERT_EQ(full.find(gone), DedupIndex::kNone) << step;
    }
  }
}

// Claim:  what a bucket and the next seven have no room for is refused, and taken once others have given way.
// Method: 121 entries of one bucket, in a ring of 256.
TEST(DedupIndex, RefusesWhatHasNoRoom) {
  DedupIndex index{256};
  DedupIndex::Ring ring;
  std::uint64_t tag = 0;
  const auto of_first_bucket = [&] { return ++tag << 32; };
  for (; ring.count < 120; ++ring.count) ASSERT_TRUE(index.insert(of_first_bucket(), ring.count, ring));
  EXPECT_FALSE(index.insert(of_first_bucket(), ring.count, ring));
  ++ring.first;
  --ring.count;
  EXPECT_TRUE(index.insert(of_first_bucket(), ring.first + ring.count, ring));
}

}  // namespace
}  // namespace headrace
