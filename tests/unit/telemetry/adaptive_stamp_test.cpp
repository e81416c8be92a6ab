#include "headrace/telemetry/adaptive_stamp.hpp"

#include <gtest/gtest.h>

namespace headrace {
namespace {

constexpr std::uint64_t kGapCycles = 3'000;

/// Sends frames `spacing` cycles apart by a made-up clock, and counts the stamps.
struct Stream {
  AdaptiveStamp stamp{kGapCycles};
  std::uint64_t now = 1'000'000'000;

  std::uint64_t stamps(std::uint64_t frames, std::uint64_t spacing) {
    std::uint64_t count = 0;
    for (std::uint64_t i = 0; i < frames; ++i) {
      now += spacing;
      if (!stamp.due()) continue;
      stamp.stamped(now);
      ++count;
    }
    return count;
  }
};

// Claim:  frames that are a gap apart or more are all stamped.
// Method: streams at the gap, just above it and far above it.
TEST(AdaptiveStamp, StampsEveryRareFrame) {
  for (const auto spacing : {kGapCycles, kGapCycles + 1, 10 * kGapCycles, 1'000'000 * kGapCycles}) {
    Stream stream;
    EXPECT_EQ(stream.stamps(1'000, spacing), 1'000u);
    EXPECT_FALSE(stream.stamp.is_sparse());
  }
}

// Claim:  in a fast stream the stamps are between one gap and two gaps apart, as long as the interval's bound
//         allows.
// Method: streams of every spacing, counted once the interval has settled.
TEST(AdaptiveStamp, SpacesStampsOfFastFramesByTheGap) {
  for (std::uint64_t spacing = kGapCycles / AdaptiveStamp::kIntervalMax + 1; spacing < kGapCycles; spacing += 7) {
    Stream stream;
    stream.stamps(1'000, spacing);
    EXPECT_TRUE(stream.stamp.is_sparse());
    constexpr std::uint64_t kFrames = 100'000;
    const auto stamps = stream.stamps(kFrames, spacing);
    ASSERT_LE((stamps - 1) * kGapCycles, kFrames * spacing) << spacing;
    ASSERT_GE((stamps + 1) * 2 * kGapCycles, kFrames * spacing) << spacing;
  }
}

// Claim:  however fast the frames, one in kIntervalMax is stamped.
// Method: frames one cycle apart.
TEST(AdaptiveStamp, NeverSkipsMoreThanItsBound) {
  Stream stream;
  stream.stamps(10'000, 1);
  EXPECT_EQ(stream.stamp.interval(), AdaptiveStamp::kIntervalMax);
  EXPECT_EQ(stream.stamps(128'000, 1), 1'000u);
}

// Claim:  after a burst, rare frames are all stamped again: after at most kIntervalMax frames, at once after
//         expire().
// Method: a burst, then frames far apart, with and without expire().
TEST(AdaptiveStamp, ReturnsToEveryFrameAfterABurst) {
  Stream stream;
  stream.stamps(10'000, 1);
  stream.stamps(AdaptiveStamp::kIntervalMax, 1'000 * kGapCycles);
  EXPECT_EQ(stream.stamps(100, 1'000 * kGapCycles), 100u);

  stream.stamps(10'000, 1);
  stream.stamp.expire();
  EXPECT_EQ(stream.stamps(100, 1'000 * kGapCycles), 100u);
}

// Claim:  a frame that is due stays due until it was stamped.
// Method: asks twice.
TEST(AdaptiveStamp, StaysDueUntilStamped) {
  AdaptiveStamp stamp{kGapCycles};
  EXPECT_TRUE(stamp.due());
  EXPECT_TRUE(stamp.due());
  stamp.stamped(5 * kGapCycles);
  EXPECT_EQ(stamp.last_cycles(), 5 * kGapCycles);
}

}  // namespace
}  // namespace headrace
