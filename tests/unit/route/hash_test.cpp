#include "headrace/base/hash.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <string>
#include <unordered_set>

namespace headrace {
namespace {

// Claim:  mix64 moves about half of the output bits for each input bit.
// Method: flip each of 64 bits in 1,000 words; the mean distance must lie within 1 of 32.
TEST(Hash, MixMovesHalfOfTheBitsForEachInputBit) {
  std::mt19937_64 random{1};
  for (int bit = 0; bit < 64; ++bit) {
    int moved = 0;
    for (int i = 0; i < 1000; ++i) {
      const std::uint64_t word = random();
      moved += std::popcount(mix64(word) ^ mix64(word ^ (std::uint64_t{1} << bit)));
    }
    EXPECT_NEAR(moved / 1000.0, 32.0, 1.0) << "bit " << bit;
  }
}

// Claim:  every byte counts at every length, also where the last loads overlap.
// Method: flip each bit of strings of 1 to 100 bytes; the hash must move by 32 bits on average.
TEST(Hash, EveryByteCountsAtEveryLength) {
  std::mt19937_64 random{2};
  for (std::size_t size = 1; size <= 100; ++size) {
    int moved = 0;
    int flips = 0;
    for (int round = 0; round < 5; ++round) {
      std::string text(size, '\0');
      for (char& c : text) c = static_cast<char>(random());
      const std::uint64_t before = hash_bytes(text);
      for (std::size_t bit = 0; bit < size * 8; ++bit, ++flips) {
        std::string flipped = text;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        const int distance = std::popcount(before ^ hash_bytes(flipped));
        EXPECT_GT(distance, 5) << size << " bytes, bit " << bit;
        moved += distance;
      }
    }
    EXPECT_NEAR(static_cast<double>(moved) / flips, 32.0, 2.0) << size << " bytes";
  }
}

// Claim:  equal bytes hash alike wherever they lie, and runs of one byte differ by length alone.
// Method: copies at odd addresses; zeros of 0 to 255 bytes, all hashes distinct.
TEST(Hash, DependsOnBytesAndLengthOnly) {
  const std::string padded = "xxsite/7/dev/42/temp";
  EXPECT_EQ(hash_bytes(std::string_view{padded}.substr(2)), hash_bytes(std::string{"site/7/dev/42/temp"}));
  std::unordered_set<std::uint64_t> seen;
  for (std::size_t size = 0; size < 256; ++size) seen.insert(hash_bytes(std::string(size, '\0')));
  EXPECT_EQ(seen.size(), 256u);
}

// Claim:  topic names that differ in a number do not collide, in 64 bits or in the 20 low ones beyond chance.
// Method: 2^16 names; the birthday bound expects 2,006 collisions in 20 bits, a fair hash stays near it.
TEST(Hash, NumberedTopicNamesSpread) {
  std::unordered_set<std::uint64_t> whole;
  std::unordered_set<std::uint64_t> low;
  for (int i = 0; i < 65536; ++i) {
    const std::uint64_t hash = hash_bytes("site/" + std::to_string(i % 16) + "/dev/" + std::to_string(i));
    whole.insert(hash);
    low.insert(hash & 0xfffff);
  }
  EXPECT_EQ(whole.size(), 65536u);
  EXPECT_NEAR(static_cast<double>(65536 - low.size()), 2006.0, 250.0);
}

}  // namespace
}  // namespace headrace
