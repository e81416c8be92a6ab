#include "headrace/delivery/retry_policy.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace headrace {
namespace {

using namespace std::chrono_literals;
using Delay = RetryPolicy::Delay;
using Delays = std::vector<Delay>;

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();

/// The delays until the policy gives up, at most `most`.
Delays schedule(const RetryPolicy& policy, std::uint64_t random = kMost, std::uint32_t most = 12) {
  Delays delays;
  Delay passed{0};
  for (std::uint32_t made = 1; made <= most; ++made) {
    const auto delay = policy.next(made, passed, random);
    if (!delay) break;
    delays.push_back(*delay);
    passed += *delay;
  }
  return delays;
}

// Claim:  exponential delays are base × factor^n, capped, as in the published schedules of AWS's standard mode (1
//         s, 2, cap 20 s) and of the design page.
// Method: compare with the rows written out.
TEST(RetryPolicy, ExponentialFollowsThePublishedSchedule) {
  EXPECT_EQ(schedule(exponential(1s, 2.0, 8).cap(20s)), (Delays{1s, 2s, 4s, 8s, 16s, 20s, 20s}));
  EXPECT_EQ(schedule(exponential(50ms, 2.0, 5)), (Delays{50ms, 100ms, 200ms, 400ms}));
  EXPECT_EQ(schedule(exponential(10ms, 1.5, 4)), (Delays{10ms, 15ms, 22500us}));
}

// Claim:  fixed, linear and custom delays are what they say; immediate tries come first; the default is one
//         attempt.
// Method: compare with the rows written out.
TEST(RetryPolicy, OtherShapes) {
  EXPECT_EQ(schedule(RetryPolicy{}), Delays{});
  EXPECT_EQ(schedule(immediate(3)), (Delays{0s, 0s}));
  EXPECT_EQ(schedule(fixed(2s, 4)), (Delays{2s, 2s, 2s}));
  EXPECT_EQ(schedule(linear(1s, 5).cap(3s)), (Delays{1s, 2s, 3s, 3s}));
  EXPECT_EQ(schedule(custom({1s, 10s, 1min})), (Delays{1s, 10s, 1min}));
  EXPECT_EQ(schedule(custom({1s, 10s}).attempts(5)), (Delays{1s, 10s, 10s, 10s}));
  EXPECT_EQ(schedule(exponential(1s).immediately(2).attempts(6)), (Delays{0s, 0s, 1s, 2s, 4s}));
}

// Claim:  no try starts later than the time limit after the first failure.
// Method: a limit between two delays, one exactly at a delay, and a failure after the limit.
TEST(RetryPolicy, TimeLimit) {
  EXPECT_EQ(schedule(fixed(2s).within(7s)), (Delays{2s, 2s, 2s}));
  EXPECT_EQ(schedule(fixed(2s).within(6s)), (Delays{2s, 2s, 2s}));
  EXPECT_FALSE(fixed(0s).within(1s).next(1, 2s, 0).has_value());
}

// Claim:  delays that no clock can hold are the cap, not something smaller.
// Method: a hundred thousand doublings, with and without a cap.
TEST(RetryPolicy, NeverOverflows) {
  EXPECT_EQ(exponential(1s).plain_delay(100'000), Delay::max());
  EXPECT_EQ(exponential(1s).cap(1h).plain_delay(100'000), 1h);
  EXPECT_EQ(linear(Delay::max() / 2).plain_delay(100), Delay::max());
  EXPECT_LE(exponential(1s).jitter().next(100'000, 0s, kMost).value_or(0s), Delay::max());
}

// Claim:  full jitter lies in [0, d], equal jitter in [d / 2, d], and both ends are reached.
// Method: the lowest and the highest random value, for even, odd and no delays.
TEST(RetryPolicy, JitterStaysInItsBounds) {
  for (const Delay d : {Delay{0}, Delay{1}, Delay{7}, Delay{100ms}}) {
    const RetryPolicy full = fixed(d).jitter();
    const RetryPolicy equal = fixed(d).jitter(RetryPolicy::Jitter::equal);
    EXPECT_EQ(full.next(1, 0s, 0), Delay{0});
    EXPECT_EQ(full.next(1, 0s, kMost), d);
    EXPECT_EQ(equal.next(1, 0s, 0), d - d / 2);
    EXPECT_EQ(equal.next(1, 0s, kMost), d);
  }
}

// Claim:  both jitters are uniform over their bounds.
// Method: chi-squared over 20 bins of 20,000 draws from a fixed seed; 43.8 is the 99.9 % point for 19 degrees of
//         freedom.
TEST(RetryPolicy, JitterIsUniform) {
  for (const auto kind : {RetryPolicy::Jitter::full, RetryPolicy::Jitter::equal}) {
    constexpr std::size_t kBins = 20;
    constexpr std::size_t kDraws = 20'000;
    const RetryPolicy policy = fixed(1s).jitter(kind);
    const std::int64_t lowest = kind == RetryPolicy::Jitter::full ? 0 : 500'000'000;
    std::array<double, kBins> seen{};
    std::mt19937_64 random{42};
    for (std::size_t i = 0; i < kDraws; ++i) {
      const std::int64_t ns = policy.next(1, 0s, random()).value_or(0s).count() - lowest;
      ASSERT_GE(ns, 0);
      seen[static_cast<std::size_t>(ns) * kBins / static_cast<std::size_t>(1'000'000'001 - lowest)] += 1;
    }
    double chi_squared = 0;
    constexpr double kExpected = static_cast<double>(kDraws) / kBins;
    for (const double count : seen) chi_squared += (count - kExpected) * (count - kExpected) / kExpected;
    EXPECT_LT(chi_squared, 43.8);
  }
}

// Claim:  a policy that cannot be meant says what is wrong with it.
// Method: one of each kind.
TEST(RetryPolicy, FaultsAreNamed) {
  EXPECT_EQ(exponential(50ms, 2.0, 5).jitter().fault(), "");
  EXPECT_NE(fixed(1s, 0).fault(), "");
  EXPECT_NE(fixed(-1s).fault(), "");
  EXPECT_NE(exponential(1s, 0.5).fault(), "");
  EXPECT_NE(exponential(1s, std::numeric_limits<double>::quiet_NaN()).fault(), "");
  EXPECT_NE(custom({}).fault(), "");
  EXPECT_NE(custom({1s, -1s}).fault(), "");
  EXPECT_NE(custom({1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s, 1s}).fault(), "");
}

// Claim:  a delay that does not come from the schedule is held to the limit of time and to the number of attempts,
//         which of a policy that names none is ten; the schedule's own delays do not matter.
// Method: both sides of each limit.
TEST(RetryPolicy, AskedDelaysAreHeldToTheLimits) {
  const RetryPolicy policy = fixed(1h, 3).within(10s);
  EXPECT_TRUE(policy.may_retry_after(0s, 1, 10s));
  EXPECT_TRUE(policy.may_retry_after(4s, 2, 6s));
  EXPECT_FALSE(policy.may_retry_after(4s, 3, 6s));
  EXPECT_FALSE(policy.may_retry_after(4s, 2, 6001ms));
  EXPECT_FALSE(policy.may_retry_after(0s, 1, 11s));
  EXPECT_TRUE(RetryPolicy{}.may_retry_after(Delay::max(), 9, 0s));
  EXPECT_FALSE(RetryPolicy{}.may_retry_after(0s, 10, 0s));
  EXPECT_FALSE(immediate(1).may_retry_after(0s, 1, 0s));
  EXPECT_TRUE(RetryPolicy{}.attempts(12).may_retry_after(0s, 11, 0s));
}

}  // namespace
}  // namespace headrace
