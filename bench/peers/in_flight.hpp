#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "headrace/base/hints.hpp"
#include "scenario/events.hpp"
#include "scenario/tally.hpp"

namespace headrace::bench {

/// How publishers of an unbounded queue wait: a spin on a core of their own, a yield where threads share cores.
enum class Waiting { spin, yield };

/// Holds all publishers of an unbounded queue to kInFlightMax events together.
struct InFlightLimit {
  const Tallies& tallies;
  Waiting waiting;
  std::atomic<std::uint64_t> sent{0};
};

/// One publisher's side of it. Looks every 256 events, so that the look costs little.
class InFlight {
 public:
  explicit InFlight(InFlightLimit& limit) : limit_(limit) {}

  void sent(std::uint64_t events) noexcept {
    unreported_ += events;
    if (unreported_ < kBetweenLooks) return;
    // No partner: a count, which orders nothing.
    const std::uint64_t all = limit_.sent.fetch_add(unreported_, std::memory_order_relaxed) + unreported_;
    unreported_ = 0;
    // The difference turns negative when other publishers' events were handled before they were reported.
    while (static_cast<std::int64_t>(all - limit_.tallies.count()) > static_cast<std::int64_t>(kInFlightMax)) {
      limit_.waiting == Waiting::spin ? pause() : std::this_thread::yield();
    }
  }

 private:
  static constexpr std::uint64_t kBetweenLooks = 256;

  InFlightLimit& limit_;
  std::uint64_t unreported_ = 0;
};

}  // namespace headrace::bench
