#pragma once

#include <cstdint>

#include "headrace/base/clock.hpp"
#include "headrace/telemetry/adaptive_stamp.hpp"

namespace headrace {

/// How fast a publisher publishes, asked once a frame: whether frames should stay open for more events, and which
/// frames carry a stamp.
///
/// While events are rare a frame is closed at once: its header and its event cross to the worker together. While
/// they stream frames stay open and gather runs, so that a worker that lags finds many events behind one header.
/// Threads: the owner alone. A clock read costs 10 to 15 ns: AdaptiveStamp keeps them rare.
class Pace {
 public:
  /// By count: in runs that must repeat themselves, the machine's clock has no say. Frames go on, none has a
  /// stamp.
  enum class By : std::uint8_t { clock, count };
  explicit Pace(By by = By::clock) noexcept : by_(by) {}

  /// A frame is begun, after `run` events in the last one. The stamp that it is to carry, or 0.
  [[nodiscard]] std::uint64_t begin_frame(std::uint32_t run) noexcept {
    events_ += run;
    if (!stamp_.due()) [[likely]]
      return 0;
    const std::uint64_t now = by_ == By::clock ? cycles() : 0;
    streams_ = by_ == By::count || now - stamp_.last_cycles() < events_ * stream_gap_;
    events_ = 0;
    stamp_.stamped(now);
    return now;
  }
  /// A frame with one event is begun that needs no stamp: the short way of begin_frame(1). False: take the long
  /// one.
  [[nodiscard]] bool skips_stamp() noexcept {
    if (stamp_.due()) [[unlikely]]
      return false;
    ++events_;
    return true;
  }
  [[nodiscard]] bool streams() const noexcept { return streams_; }

 private:
  static constexpr std::uint64_t kStreamGapNs = 64;  ///< between events that stream: less than any answer takes

  AdaptiveStamp stamp_;
  std::uint64_t stream_gap_ = CycleClock::machine().to_cycles(kStreamGapNs);
  std::uint64_t events_ = 0;  ///< since the last clock read
  bool streams_ = false;
  const By by_;
};

}  // namespace headrace
