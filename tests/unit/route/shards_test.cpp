#include "headrace/route/shards.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>
#include <vector>

namespace headrace {
namespace {

/// How far the counts are from even, in standard deviations of the chi-squared distribution.
double unevenness(std::uint32_t shards, const std::function<std::uint64_t(std::uint64_t)>& key) {
  constexpr std::uint64_t kKeys = 100'000;
  std::vector<double> counts(shards);
  for (std::uint64_t i = 0; i < kKeys; ++i) counts.at(shard_of(key(i), shards)) += 1;
  const double expected = static_cast<double>(kKeys) / shards;
  double chi_squared = 0;
  for (const double count : counts) chi_squared += (count - expected) * (count - expected) / expected;
  const double freedom = shards - 1.0;
  return (chi_squared - freedom) / std::sqrt(2 * freedom);
}

// Claim:  keys spread evenly over any number of shards, whatever their pattern.
// Method: chi-squared over 100,000 keys, sequential, strided by powers of two and by round numbers, and random;
//         4.5 standard deviations is the limit, and fixed keys make the answer the same on every run.
TEST(Shards, SpreadSequentialStridedAndRandomKeysEvenly) {
  for (const std::uint32_t shards : {2u, 3u, 4u, 5u, 7u, 8u, 13u, 16u, 31u, 64u, 100u, 255u}) {
    std::mt19937_64 random{shards};
    EXPECT_LT(unevenness(shards, [](std::uint64_t i) { return i; }), 4.5) << shards << " sequential";
    for (const std::uint64_t stride : {2u, 10u, 64u, 1000u, 4096u, 65536u}) {
      EXPECT_LT(unevenness(shards, [=](std::uint64_t i) { return i * stride; }), 4.5)
          << shards << " by " << stride;
    }
    EXPECT_LT(unevenness(shards, [](std::uint64_t i) { return i << 32; }), 4.5) << shards << " upper half";
    EXPECT_LT(unevenness(shards, [&](std::uint64_t) { return random(); }), 4.5) << shards << " random";
  }
}

// Claim:  one shard takes everything, and no hash leads outside of the range.
// Method: the ends of the hash range and random hashes, for shard counts up to the largest.
TEST(Shards, StayInRange) {
  std::mt19937_64 random{3};
  for (const std::uint32_t shards : {1u, 2u, 3u, 1000u, 0xffffffffu}) {
    EXPECT_LT(shard_of(0, shards), shards);
    EXPECT_LT(shard_of(~std::uint64_t{0}, shards), shards);
    for (int i = 0; i < 1000; ++i) EXPECT_LT(shard_of(random(), shards), shards);
  }
}

}  // namespace
}  // namespace headrace
