#pragma once

#include <algorithm>
#include <cstdint>

namespace headrace {

/// How many pauses a worker makes between a look that found events and the next one. Private to one worker.
///
/// While events stream, a worker that chases its publisher pays a cache-line transfer for each event; one that lingers
/// a little finds runs, and lines that have left the publisher's cache (Disruptor gains its throughput that way). So
/// looks that find all there is double the pauses, looks that leave something halve them.
///
/// That is delay, so a stream has to be worth it: up to kPausesMax an event for every four pauses keeps a worker
/// lingering, beyond that it takes one for each, a rate at which a publisher is held up if it is chased.
///
/// An event that is an answer waits for nobody but this worker: the longer it lingers, the later the next one comes,
/// and looks go on finding as little as before. So lingering has to bring events in step with its length; where it
/// does not it is given up, and tried again after a while that doubles each time.
class Linger {
 public:
  /// The last look found `events`, at least one: the pauses before the next.
  [[nodiscard]] std::uint32_t after(std::uint64_t events) noexcept {
    if (events < kShortRun) {
      try_longer(events);
      return pauses_;
    }
    looks_left_ = 0;
    looks_between_ = kLooksMin;
    const std::uint32_t longer = std::min(pauses_ * 2 + 1, kPausesDeep);
    if (events >= kFullLook || !are_worth(events, pauses_)) {
      pauses_ /= 2;
    } else if (pauses_ < kPausesDeep && are_worth(events, longer)) {
      pauses_ = longer;
    }
    return pauses_;
  }
  /// The last look found nothing.
  void end() noexcept { pauses_ = 0; }

  /// A look takes no more from a lane. One that finds less has come to where the publisher writes, and has taken lines
  /// from under it that it had ready.
  static constexpr std::uint64_t kFullLook = 1024;
  static constexpr std::uint32_t kPausesPerEvent = 4;  ///< worth it while an event comes as fast, or faster
  static constexpr std::uint32_t kPausesMax = 64;      ///< about 1.5 us; more where one comes in each pause
  static constexpr std::uint32_t kPausesDeep = 512;    ///< about 12 us

 private:
  static constexpr std::uint64_t kShortRun = 32;  ///< looks that find less come too soon
  static constexpr std::uint32_t kLooksMin = 16;
  static constexpr std::uint32_t kLooksMax = 4096;

  /// Whether what came during pauses_ comes fast enough to linger for `pauses`.
  [[nodiscard]] bool are_worth(std::uint64_t events, std::uint32_t pauses) const noexcept {
    return events * (pauses > kPausesMax ? 1 : kPausesPerEvent) >= pauses_;
  }

  void try_longer(std::uint64_t events) noexcept {
    if (pauses_ > kPausesMax) {
      pauses_ = kPausesMax;
    } else if (!are_worth(events, pauses_)) {
      pauses_ = 0;
      looks_left_ = looks_between_;
      if (looks_between_ < kLooksMax) looks_between_ *= 2;
    } else if (looks_left_ > 0) {
      --looks_left_;
    } else {
      pauses_ = pauses_ == 0 ? 1 : std::min(pauses_ * 2, kPausesMax);
    }
  }

  std::uint32_t pauses_ = 0;
  std::uint32_t looks_left_ = 0;             ///< that find little before it is tried again
  std::uint32_t looks_between_ = kLooksMin;  ///< how many they will be next time
};

}  // namespace headrace
