#pragma once

#include <cstdint>
#include <thread>

#include "headrace/base/clock.hpp"
#include "headrace/base/hints.hpp"
#include "headrace/dispatch/linger.hpp"
#include "headrace/dispatch/options.hpp"

namespace headrace {

/// What a worker does between two looks at its lanes: how eagerly it polls, how long it spins, when it gives up
/// and parks. Private to one worker.
///
/// Two opposite needs meet here. While events are rare a look should come at once: latency. While they stream, the
/// worker should linger a little: see Linger.
///
/// Spinning before parking is worth it while it succeeds: the spin budget grows when an event came during it, or
/// during the yields that follow, and shrinks when all was in vain. On an oversubscribed machine spinning only delays
/// the publishers: a yield that takes long says so.
///
/// `Yield` offers the core to others and answers the nanoseconds until it came back.
template <class Yield>
class BasicIdle {
 public:
  enum class Next : std::uint8_t { look, park };

  explicit BasicIdle(Wait wait, Yield offer = {}) noexcept : wait_(wait), offer_(offer) {}

  /// The last look found `events`.
  void found(std::uint64_t events) noexcept {
    if (spins_ > 0 && !crowded_) reward();
    spins_ = 0;
    yielded_ns_ = 0;
    const std::uint32_t pauses = linger_.after(events);
    if (crowded_ && events < Linger::kFullLook) {
      yield();
    } else {
      for (std::uint32_t i = 0; i < pauses; ++i) pause();
    }
  }

  /// The last look found nothing.
  [[nodiscard]] Next found_nothing() noexcept {
    linger_.end();
    ++spins_;
    switch (wait_) {
      case Wait::spin:
        pause_between_looks();
        return Next::look;
      case Wait::park:
        return Next::park;
      case Wait::spin_yield:
        if (spins_ < kSpinsBeforeYield) {
          pause_between_looks();
        } else {
          static_cast<void>(offer_());
        }
        return Next::look;
      case Wait::adaptive:
        break;
    }
    if (!crowded_ && spins_ <= spin_budget_) {
      pause_between_looks();
      return Next::look;
    }
    // Whoever got the core by a long yield has published nothing: a worker that stands in line for it again is
    // reached later than one that sleeps and is woken.
    if (spins_ <= spin_budget_ + kYields && yielded_ns_ < kYieldedNsMax) {
      yield();
      return Next::look;
    }
    spin_budget_ = spin_budget_ / 2 < kSpinBudgetMin ? kSpinBudgetMin : spin_budget_ / 2;
    spins_ = 0;
    yielded_ns_ = 0;
    return Next::park;
  }

 private:
  static constexpr std::uint32_t kEagerLooks = 32;  ///< half a microsecond: an answer may be on its way
  static constexpr std::uint32_t kSpinsBeforeYield = 256;
  static constexpr std::uint32_t kSpinBudgetMin = 16;
  static constexpr std::uint32_t kSpinBudgetMax = 4096;  // about 100 us, twice a wake-up on a virtual machine
  static constexpr std::uint32_t kYields = 8;
  static constexpr std::uint64_t kYieldedNsMax = 100'000;
  static constexpr std::uint64_t kLongYieldNs = 5'000;  // an empty one takes 0.6 to 1.5 us

  void pause_between_looks() const noexcept {
    if (spins_ > kEagerLooks) pause();
  }
  void reward() noexcept {
    if (spin_budget_ < kSpinBudgetMax) spin_budget_ *= 2;
  }

  // A yield that takes long let somebody else run: there are more threads than cores, and a core that spins is one
  // that a publisher does not get. Taking turns on one core also leaves the lanes in its cache.
  void yield() noexcept {
    const std::uint64_t took = offer_();
    yielded_ns_ += took;
    crowded_ = took > kLongYieldNs;
    if (crowded_) spin_budget_ = kSpinBudgetMin;
  }

  const Wait wait_;
  [[no_unique_address]] Yield offer_;
  bool crowded_ = false;          ///< the last yield said so
  std::uint64_t yielded_ns_ = 0;  ///< since something was found
  Linger linger_;
  std::uint32_t spins_ = 0;
  std::uint32_t spin_budget_ = 1024;
};

struct TimedYield {
  [[nodiscard]] std::uint64_t operator()() const noexcept {
    const std::uint64_t before = steady_ns();
    std::this_thread::yield();
    return steady_ns() - before;
  }
};
using Idle = BasicIdle<TimedYield>;

}  // namespace headrace
