#pragma once

#include <cstdint>

#include "headrace/base/clock.hpp"

namespace headrace {

/// Decides which frames are worth a read of the clock.
///
/// A read costs 11 to 15 ns on a virtual machine, as much as publishing a frame. While frames are rarer than one
/// in two microseconds each is stamped; when they come faster every 2nd, 4th, ... up to kIntervalMax-th is, so that
/// reads stay two microseconds apart and cost less than 1 % of the time.
///
///     if (stamp.due()) stamp.stamped(now = cycles());
///
/// Threads: the owner alone.   Progress: wait-free; a frame that is not due costs a decrement.
class AdaptiveStamp {
 public:
  static constexpr std::uint32_t kIntervalMax = 128;

  static constexpr std::uint64_t kGapNs = 2'000;

  /// For stamps by cycles() on this machine.
  AdaptiveStamp() : AdaptiveStamp(CycleClock::machine().to_cycles(kGapNs)) {}
  /// `gap_cycles`: how far apart reads of the owner's clock should be.
  explicit AdaptiveStamp(std::uint64_t gap_cycles) noexcept : gap_cycles_(gap_cycles) {}

  /// Whether this frame should be stamped. Stays true until stamped() is called.
  [[nodiscard]] bool due() noexcept {
    if (frames_left_ == 1) return true;
    --frames_left_;
    return false;
  }

  /// Tells when the due frame was stamped.
  void stamped(std::uint64_t now_cycles) noexcept {
    const auto elapsed = now_cycles - last_cycles_;
    last_cycles_ = now_cycles;
    // Steps of two need no division, and between a gap and two gaps the interval rests. After a pause the old
    // interval says nothing any more.
    if (elapsed < gap_cycles_) {
      if (interval_ < kIntervalMax) interval_ *= 2;
    } else if (elapsed >= kPauseGaps * gap_cycles_) {
      interval_ = 1;
    } else if (elapsed >= 2 * gap_cycles_ && interval_ > 1) {
      interval_ /= 2;
    }
    frames_left_ = interval_;
  }

  /// The next frame is due, however fast the last ones came: for an owner that runs out of work.
  void expire() noexcept { frames_left_ = 1; }

  /// Whether frames come faster than they are stamped.
  [[nodiscard]] bool is_sparse() const noexcept { return interval_ > 1; }
  [[nodiscard]] std::uint32_t interval() const noexcept { return interval_; }
  /// The last stamp: the owner's cheapest idea of the present.
  [[nodiscard]] std::uint64_t last_cycles() const noexcept { return last_cycles_; }

 private:
  static constexpr std::uint64_t kPauseGaps = 64;

  std::uint64_t gap_cycles_;
  std::uint64_t last_cycles_ = 0;
  std::uint32_t interval_ = 1;
  std::uint32_t frames_left_ = 1;
};

}  // namespace headrace
