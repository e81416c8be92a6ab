#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>

#include "harness/context.hpp"
#include "headrace/base/cache_line.hpp"
#include "headrace/base/hints.hpp"

namespace headrace::bench {

/// What a handler does in these rows: it adds the value up and counts it, where the publisher can see the count.
class alignas(kNoSharingBytes) Tally {
 public:
  void add(std::uint64_t value) noexcept {
    sum_ += value;
    const std::uint64_t before = count_.load(std::memory_order_relaxed);  // no partner: own count
    count_.store(before + 1, std::memory_order_release);                  // T1 -> T2
  }

  [[nodiscard]] std::uint64_t count() const noexcept {
    return count_.load(std::memory_order_acquire);  // T2 <- T1
  }
  /// Once the count is complete.
  [[nodiscard]] std::uint64_t sum() const noexcept { return sum_; }

 private:
  std::uint64_t sum_ = 0;
  std::atomic<std::uint64_t> count_{0};
};

inline constexpr std::size_t kTalliesMax = 16;

/// One a handler and worker. More than a row needs does no harm.
struct Tallies : std::array<Tally, kTalliesMax> {
  [[nodiscard]] std::uint64_t count() const noexcept {
    std::uint64_t all = 0;
    for (const Tally& tally : *this) all += tally.count();
    return all;
  }

  void wait_for(std::uint64_t events) const noexcept {
    while (count() != events) pause();
  }
  /// Where there are more threads than cores.
  void yield_until(std::uint64_t events) const noexcept {
    while (count() != events) std::this_thread::yield();
  }

  /// Values were 1 to `events`, each handled `handlers` times.
  void require_sum(std::uint64_t events, std::uint64_t handlers = 1) const {
    std::uint64_t all = 0;
    for (const Tally& tally : *this) all += tally.sum();
    Context::require(all == handlers * (events * (events + 1) / 2), "the handlers' sum");
  }
};

}  // namespace headrace::bench
