#include "headrace/telemetry/numbered_counters.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace headrace {
namespace {

// Claim:  every number has a count of its own, at the bounds of chunks too, and one never counted reads zero.
// Method: numbers around each power of two, each counted another amount.
TEST(NumberedCounters, KeepNumbersApart) {
  NumberedCounters counters;
  std::vector<std::uint32_t> numbers{0, 1};
  for (std::uint32_t bound = 16; bound <= 1U << 14; bound *= 2) numbers.insert(numbers.end(), {bound - 1, bound});
  for (const std::uint32_t number : numbers) {
    counters.add(number, number + 1);
    counters.add(number);
  }
  for (const std::uint32_t number : numbers) EXPECT_EQ(counters.value(number), number + 2U) << number;
  for (const std::uint32_t never : {2U, 33U, 100U, 20'000U, ~0U}) EXPECT_EQ(counters.value(never), 0U) << never;
}

// Claim:  a reader sees counts that only grow, also while chunks are made, and the whole of them after a join.
// Method: one thread counts over numbers of many chunks while another reads the last of them.
TEST(NumberedCounters, GrowUnderAReader) {
  constexpr std::uint32_t kNumbers = 5'000;
  constexpr std::uint64_t kRounds = 20;
  NumberedCounters counters;
  std::thread owner([&] {
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      for (std::uint32_t number = 0; number < kNumbers; ++number) counters.add(number);
    }
  });
  std::uint64_t last = 0;
  while (last < kRounds) {
    const std::uint64_t now = counters.value(kNumbers - 1);
    ASSERT_GE(now, last);
    last = now;
  }
  owner.join();
  for (std::uint32_t number = 0; number < kNumbers; ++number) ASSERT_EQ(counters.value(number), kRounds);
}

}  // namespace
}  // namespace headrace
