#include "headrace/base/asymmetric_fence.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>

namespace headrace {
namespace {

// Claim:  of two threads that store, pass their side of the fence and load, at least one sees the other's store.
// Method: the two meet at a barrier of counters before each of 20,000 rounds, and their answers are compared after
// it.
TEST(AsymmetricFence, OneSideSeesTheOther) {
  constexpr std::uint64_t kRounds = 20'000;
  alignas(128) std::atomic<std::uint64_t> light{0};
  alignas(128) std::atomic<std::uint64_t> heavy{0};
  alignas(128) std::atomic<std::uint64_t> arrived{0};
  alignas(128) std::atomic<std::uint64_t> left{0};
  std::uint64_t seen_by_light = 0;
  std::uint64_t seen_by_heavy = 0;
  const auto meet = [](std::atomic<std::uint64_t>& count, std::uint64_t round) {
    count.fetch_add(1);
    while (count.load() < 2 * round) std::this_thread::yield();
  };
  std::thread other([&] {
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
      meet(arrived, round);
      light.store(round, std::memory_order_relaxed);
      asymmetric_fence_light();
      seen_by_light = heavy.load(std::memory_order_relaxed);
      meet(left, round);
    }
  });
  std::uint64_t both_missed = 0;
  for (std::uint64_t round = 1; round <= kRounds; ++round) {
    meet(arrived, round);
    heavy.store(round, std::memory_order_relaxed);
    asymmetric_fence_heavy();
    seen_by_heavy = light.load(std::memory_order_relaxed);
    meet(left, round);
    if (seen_by_light < round && seen_by_heavy < round) ++both_missed;
  }
  other.join();
  EXPECT_EQ(both_missed, 0u);
}

}  // namespace
}  // namespace headrace
