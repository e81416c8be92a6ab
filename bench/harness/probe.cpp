#include "harness/probe.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <vector>

#include "harness/statistics.hpp"
#include "headrace/base/cache_line.hpp"

namespace headrace::bench {

double probe_one_way_ns(const Cpus& cpus) {
  using Clock = std::chrono::steady_clock;
  constexpr std::uint64_t kBlocks = 60;
  constexpr std::uint64_t kRoundTripsABlock = 100;
  if (cpus.size() < 2) return 0;  // one processor: there is no way between two

  struct alignas(kNoSharingBytes) Line {
    std::atomic<std::uint64_t> turn{0};
  };
  Line line;
  std::vector<double> block_ns;  // medians, so that a block that the scheduler interrupted does not count
  block_ns.reserve(kBlocks);

  const auto ping = [&] {
    std::uint64_t turn = 0;
    for (std::uint64_t block = 0; block < kBlocks; ++block) {
      const auto start = Clock::now();
      for (std::uint64_t i = 0; i < kRoundTripsABlock; ++i, turn += 2) {
        line.turn.store(turn + 1, std::memory_order_release);            // G1 -> G2
        while (line.turn.load(std::memory_order_acquire) != turn + 2) {  // G4 <- G3
        }
      }
      const std::chrono::duration<double, std::nano> elapsed = Clock::now() - start;
      block_ns.push_back(elapsed.count() / kRoundTripsABlock / 2);
    }
  };
  const auto pong = [&] {
    for (std::uint64_t turn = 0; turn < 2 * kBlocks * kRoundTripsABlock; turn += 2) {
      while (line.turn.load(std::memory_order_acquire) != turn + 1) {  // G2 <- G1
      }
      line.turn.store(turn + 2, std::memory_order_release);  // G3 -> G4
    }
  };
  seconds_together({cpus[0], cpus[1]}, Placement::pinned, {ping, pong});
  return median(block_ns);
}

}  // namespace headrace::bench
