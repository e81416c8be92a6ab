#include "headrace/base/asymmetric_fence.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "headrace/base/cache_line.hpp"
#include "headrace/base/clock.hpp"
#include "headrace/base/topology.hpp"

namespace headrace {
namespace {

constexpr std::uint64_t kRounds = 1'000;

struct alignas(kNoSharingBytes) Line {
  std::atomic<std::uint64_t> value{0};
};

struct Meeting {
  Line arrived;

  /// Returns on both threads once both have come. Sleeps when the other has no core: a yield would only wait for
  /// the next slice of a busy machine, and the two would take turns for ever.
  void meet(std::uint64_t time) {
    arrived.value.fetch_add(1);
    arrived.value.notify_one();
    for (unsigned spins = 0;; ++spins) {
      const auto count = arrived.value.load();
      if (count >= 2 * time) return;
      if (spins > 2'000) arrived.value.wait(count);
    }
  }
};

void spin_until(std::uint64_t start_cycles) {
  while (cycles() < start_cycles) {
  }
}

// Claim:  of two threads that store, pass their side of the fence and load, at least one sees the other's store.
// Method: in each round the two, on different CPUs if there are two, start at one reading of the cycle counter,
//         one of them earlier or later by the round, so that the stores are under way together.
TEST(AsymmetricFence, OneSideSeesTheOther) {
  const auto cpus = Topology::of_process().allowed_cpus;
  Line light;
  Line heavy;
  Meeting start;
  Meeting end;
  std::uint64_t start_cycles = 0;
  std::uint64_t seen_by_light = 0;
  std::uint64_t both_missed = 0;
  std::jthread light_side([&] {
    ASSERT_TRUE(pin_current_thread(cpus.front()));
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
      start.meet(round);
      spin_until(start_cycles + round % 256);
      light.value.store(round, std::memory_order_relaxed);
      asymmetric_fence_light();
      seen_by_light = heavy.value.load(std::memory_order_relaxed);
      end.meet(round);
    }
  });
  std::jthread heavy_side([&] {
    ASSERT_TRUE(pin_current_thread(cpus.back()));
    for (std::uint64_t round = 1; round <= kRounds; ++round) {
      start_cycles = cycles() + 3'000;
      start.meet(round);
      spin_until(start_cycles + 128);
      heavy.value.store(round, std::memory_order_relaxed);
      asymmetric_fence_heavy();
      const auto seen_by_heavy = light.value.load(std::memory_order_relaxed);
      end.meet(round);
      if (seen_by_light < round && seen_by_heavy < round) ++both_missed;
    }
  });
  light_side.join();
  heavy_side.join();
  EXPECT_EQ(both_missed, 0u);
}

}  // namespace
}  // namespace headrace
