#include "headrace/delivery/retry_budget.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace headrace {
namespace {

constexpr std::uint64_t kOneSecond = 1'000'000'000;

// Claim:  a storm spends the bucket and then gets through at the refill's rate, to the retry.
// Method: ten seconds of retries each millisecond, 50 tokens, 5 a second.
TEST(RetryBudget, StormIsHeldToTheRate) {
  RetryBudget budget{{.tokens_max = 50, .tokens_per_second = 5}};
  int retries = 0;
  for (std::uint64_t ms = 0; ms <= 10'000; ++ms) retries += budget.try_retry(ms * 1'000'000) ? 1 : 0;
  EXPECT_EQ(retries, 50 + 50);
}

// Claim:  successes pay back, up to the bucket's size, and a retry that cannot be paid takes nothing.
// Method: AWS's figures: 500 tokens, 5 a retry, 1 back; no refill by time.
TEST(RetryBudget, SuccessesPayBack) {
  RetryBudget budget{{.tokens_max = 500, .tokens_per_second = 0, .retry_costs = 5, .success_refunds = 1}};
  int retries = 0;
  while (budget.try_retry(0)) ++retries;
  EXPECT_EQ(retries, 100);
  for (int i = 0; i < 4; ++i) budget.succeeded();
  EXPECT_FALSE(budget.try_retry(kOneSecond));
  EXPECT_EQ(budget.tokens(kOneSecond), 4U);
  budget.succeeded();
  EXPECT_TRUE(budget.try_retry(kOneSecond));
  for (int i = 0; i < 1000; ++i) budget.succeeded();
  EXPECT_EQ(budget.tokens(kOneSecond), 500U);
}

// Claim:  the clock may jump to its end and back: the bucket is full, never more, and nothing is added twice.
// Method: the extremes.
TEST(RetryBudget, ClockJumps) {
  RetryBudget budget{{.tokens_max = 4, .tokens_per_second = 2}, 5 * kOneSecond};
  while (budget.try_retry(5 * kOneSecond)) {
  }
  EXPECT_EQ(budget.tokens(0), 0U);
  EXPECT_EQ(budget.tokens(5 * kOneSecond + kOneSecond / 2), 1U);
  EXPECT_EQ(budget.tokens(5 * kOneSecond), 1U);
  EXPECT_EQ(budget.tokens(std::numeric_limits<std::uint64_t>::max()), 4U);
}

}  // namespace
}  // namespace headrace
