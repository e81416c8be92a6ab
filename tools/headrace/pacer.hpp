#pragma once

#include <algorithm>
#include <chrono>
#include <optional>

#include "interrupt.hpp"
#include "timestamp.hpp"

namespace headrace::program {

/// Holds events back until their moment, `speed` times faster than they happened. The first one sets the clock;
/// one older than what has passed goes at once. A gap of the record is waited for in full.
class Pacer {
 public:
  explicit Pacer(double speed) : speed_(speed) {}

  /// When an event of that time is due.
  [[nodiscard]] std::chrono::steady_clock::time_point due(EventTime time,
                                                          std::chrono::steady_clock::time_point now) {
    if (!first_) {
      first_ = time;
      started_ = now;
    }
    // In double: times far apart must not overflow, and a wait of more than 30 years need not be exact.
    constexpr double kWaitNsMax = 1e18;
    const double after_ns = static_cast<double>((time - *first_).count()) / speed_;
    return started_ + std::chrono::nanoseconds{static_cast<std::int64_t>(std::clamp(after_ns, 0.0, kWaitNsMax))};
  }

 private:
  const double speed_;
  std::optional<EventTime> first_;
  std::chrono::steady_clock::time_point started_;
};

}  // namespace headrace::program
