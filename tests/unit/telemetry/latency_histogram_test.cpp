#include "headrace/telemetry/latency_histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

namespace headrace {
namespace {

using Scale = LogLinearScale;
constexpr std::uint64_t kHourNs = 3'600'000'000'000;

std::uint64_t exact_percentile(const std::vector<std::uint64_t>& sorted, double percent) {
  const auto rank = std::max(1.0, std::ceil(percent / 100 * static_cast<double>(sorted.size())));
  return sorted[static_cast<std::size_t>(rank) - 1];
}

void expect_within_error(std::uint64_t answer, std::uint64_t exact) {
  const auto distance = answer > exact ? answer - exact : exact - answer;
  EXPECT_LE(distance * 64, exact) << answer << " for " << exact;
}

/// Values as latencies come: a bulk, a long tail, spread over every octave of the range.
std::vector<std::uint64_t> samples(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> bulk(6, 1.5);
  std::uniform_real_distribution<double> octave(0, std::log2(static_cast<double>(kHourNs)));
  std::vector<std::uint64_t> values(count);
  for (auto& value : values) {
    value = static_cast<std::uint64_t>(random() % 10 == 0 ? std::exp2(octave(random)) : bulk(random));
  }
  return values;
}

// Claim:  the buckets cover the range without gap or overlap, none wider than 1/32 of its values.
// Method: every bucket against its neighbour, and both of its ends put back.
TEST(LogLinearScale, BucketsTileTheRange) {
  EXPECT_EQ(Scale::lowest(0), 0u);
  for (std::size_t bucket = 0; bucket < Scale::kBuckets; ++bucket) {
    const auto low = Scale::lowest(bucket);
    const auto high = Scale::highest(bucket);
    ASSERT_EQ(Scale::bucket_of(low), bucket);
    ASSERT_EQ(Scale::bucket_of(high), bucket);
    ASSERT_LE((high - low) * 32, low);
    ASSERT_LE(low, Scale::middle(bucket));
    ASSERT_GE(high, Scale::middle(bucket));
    if (bucket + 1 < Scale::kBuckets) {
      ASSERT_EQ(Scale::lowest(bucket + 1), high + 1);
    }
  }
  EXPECT_EQ(Scale::highest(Scale::kBuckets - 1), Scale::kValueMax);
  EXPECT_GE(Scale::kValueMax, kHourNs);
}

// Claim:  every percentile is within 1/64 of the exact one over the sorted samples; min, max and count are exact.
// Method: ten seeds of 20,000 samples between 1 ns and an hour.
TEST(LatencyHistogram, PercentilesAreWithinTheStatedError) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    auto values = samples(seed, 20'000);
    LatencyHistogram histogram;
    double sum = 0;
    for (const auto value : values) {
      histogram.record(value);
      sum += static_cast<double>(value);
    }
    std::ranges::sort(values);
    const auto taken = histogram.snapshot();
    EXPECT_EQ(taken.count(), values.size());
    EXPECT_EQ(taken.min(), values.front());
    EXPECT_EQ(taken.max(), values.back());
    for (const double percent : {0.001, 1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
      expect_within_error(taken.percentile(percent), exact_percentile(values, percent));
    }
    const auto mean = sum / static_cast<double>(values.size());
    EXPECT_NEAR(taken.mean(), mean, mean / 64);
  }
}

// Claim:  an empty histogram answers zero to everything.
// Method: asks for everything.
TEST(LatencyHistogram, EmptyAnswersZero) {
  const auto taken = LatencyHistogram{}.snapshot();
  EXPECT_TRUE(taken.empty());
  EXPECT_EQ(taken.count() + taken.min() + taken.max() + taken.percentile(50), 0u);
  EXPECT_EQ(taken.mean(), 0);
}

// Claim:  a value beyond the range is counted and shows as the maximum; zero is a value.
// Method: both ends of 64 bits.
TEST(LatencyHistogram, TakesValuesBeyondItsRange) {
  LatencyHistogram histogram;
  histogram.record(0);
  histogram.record(~std::uint64_t{0});
  const auto taken = histogram.snapshot();
  EXPECT_EQ(taken.count(), 2u);
  EXPECT_EQ(taken.percentile(50), 0u);
  EXPECT_EQ(taken.max(), ~std::uint64_t{0});
  EXPECT_EQ(taken.bucket_count(Scale::kBuckets - 1), 1u);
}

// Claim:  one record of n samples is n records.
// Method: both ways side by side.
TEST(LatencyHistogram, RecordsManySamplesOfOneValue) {
  LatencyHistogram at_once;
  LatencyHistogram one_by_one;
  at_once.record(1'000, 7);
  for (int i = 0; i < 7; ++i) one_by_one.record(1'000);
  EXPECT_EQ(at_once.snapshot().count(), 7u);
  EXPECT_EQ(at_once.snapshot().percentile(50), one_by_one.snapshot().percentile(50));
}

// Claim:  merging two snapshots gives the snapshot of all samples.
// Method: every bucket compared, with an empty one merged as well.
TEST(HistogramSnapshot, MergeAddsSamples) {
  LatencyHistogram first;
  LatencyHistogram second;
  LatencyHistogram all;
  for (const auto value : samples(21, 5'000)) first.record(value), all.record(value);
  for (const auto value : samples(22, 3'000)) second.record(value), all.record(value);
  auto merged = first.snapshot();
  merged.merge(second.snapshot());
  merged.merge(HistogramSnapshot{});
  const auto expected = all.snapshot();
  EXPECT_EQ(merged.count(), expected.count());
  EXPECT_EQ(merged.min(), expected.min());
  EXPECT_EQ(merged.max(), expected.max());
  for (std::size_t b = 0; b < Scale::kBuckets; ++b) ASSERT_EQ(merged.bucket_count(b), expected.bucket_count(b));
}

// Claim:  the difference of two snapshots holds the samples recorded between them, its bounds within 1/32.
// Method: slow samples first, fast ones after; the difference must know nothing of the slow ones.
TEST(HistogramSnapshot, SinceKeepsOnlyWhatWasAdded) {
  LatencyHistogram histogram;
  for (std::uint64_t i = 0; i < 100; ++i) histogram.record(1'000'000 + i);
  const auto earlier = histogram.snapshot();
  EXPECT_TRUE(histogram.snapshot().since(earlier).empty());
  for (std::uint64_t value = 500; value < 600; ++value) histogram.record(value);
  const auto added = histogram.snapshot().since(earlier);
  EXPECT_EQ(added.count(), 100u);
  EXPECT_LE(added.min(), 500u);
  EXPECT_GE(added.min() * 33, 500u * 32);
  EXPECT_GE(added.max(), 599u);
  EXPECT_LE(added.max() * 32, 599u * 33);
  expect_within_error(added.percentile(50), 549);
}

// Claim:  snapshots taken while the owner records are consistent: counts grow, percentiles lie between min and
//         max.
// Method: one thread records a fixed number of samples, another takes snapshots until it has seen them all.
TEST(LatencyHistogram, SnapshotsUnderAWriterAreConsistent) {
  constexpr std::uint64_t kSamples = 100'000;
  LatencyHistogram histogram;
  std::thread owner([&] {
    for (std::uint64_t i = 0; i < kSamples; ++i) histogram.record(1 + (i * 7919) % 1'000'000);
  });
  std::uint64_t last = 0;
  while (last < kSamples) {
    const auto taken = histogram.snapshot();
    ASSERT_GE(taken.count(), last);
    ASSERT_LE(taken.min(), taken.percentile(50));
    ASSERT_GE(taken.max(), taken.percentile(99));
    last = taken.count();
  }
  owner.join();
  EXPECT_EQ(histogram.snapshot().count(), kSamples);
}

}  // namespace
}  // namespace headrace
