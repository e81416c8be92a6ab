#pragma once

#include <cstdint>
#include <random>
#include <thread>

#include "headrace/base/hints.hpp"

namespace headrace::test {

/// Stalls a thread at random: mostly not at all, sometimes for a few pauses, rarely until others have run.
class Stalls {
 public:
  explicit Stalls(std::uint64_t seed) : random_(seed) {}
  void maybe() {
    const std::uint32_t dice = random_() % 4096;
    if (dice < 64) {
      for (std::uint32_t i = 0; i < dice; ++i) pause();
    } else if (dice < 68) {
      for (std::uint32_t i = 0; i < dice - 63; ++i) std::this_thread::yield();
    }
  }

 private:
  std::minstd_rand random_;
};

}  // namespace headrace::test
