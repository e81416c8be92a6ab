#pragma once

#include <cstdint>

#include "headrace/base/atomic.hpp"

namespace headrace {

/// What an end of a ring does when it has caught up with a stream.
enum class Lag {
  adaptive,  ///< waits a moment, for throughput
  none       ///< answers at once: right for a thread that has other rings to serve
};

/// Whether one end of a ring should wait a moment before it answers "empty" or "full".
///
/// An end that has caught up with a stream pulls lines away while the other end writes them, and then pays a
/// transfer an event. A pause of about a microsecond lets the other end get ahead, so that each transfer brings
/// many events. An end that waits for single events must not pause: more misses than events show it.
///
/// @thread its end's only
class StreamLag {
 public:
  explicit StreamLag(Lag lag = Lag::adaptive) noexcept : lag_(lag) {}

  /// Called on a miss, with how many events have passed this end so far. Answers whether it has paused, so
  /// that another look is worth while.
  [[nodiscard]] bool after_miss(std::uint64_t events) noexcept {
    if (lag_ == Lag::none) return false;
    ++misses_;
    const std::uint64_t passed = events - window_start_;
    if (passed >= kWindow || misses_ >= kWindow) {
      streaming_ = misses_ <= passed;
      window_start_ = events;
      misses_ = 0;
    }
    if (!streaming_) return false;
    for (int i = 0; i < kPauses; ++i) pause();
    return true;
  }

 private:
#if defined(HEADRACE_MODEL_ATOMICS)
  static constexpr std::uint64_t kWindow = 2;  // there a litmus has few events
  static constexpr int kPauses = 1;            // and each pause is a choice to explore
#else
  static constexpr std::uint64_t kWindow = 16;
  static constexpr int kPauses = 48;
#endif

  Lag lag_;
  std::uint64_t window_start_ = 0;
  std::uint64_t misses_ = 0;
  bool streaming_ = false;
};

}  // namespace headrace
