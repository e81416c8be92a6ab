#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "headrace/bus/bus.hpp"
#include "headrace/port/source.hpp"

namespace headrace {

/// Pauses a source while the bus can do nothing with what it brings, and resumes it. For bridges.
///
/// Paused:   while a breaker is open of a subscription that `feeds` says the source feeds, on any worker; and from the
///           moment that a lane of its publisher passes the high watermark until it has run empty. It goes on when all
///           of that is over. An open breaker's time is over when it probes, or may: the probe has to come from
///           somewhere.
/// Program:  one that pauses the source itself does so by hold(): resume() of the source would be undone, or undo.
/// Threads:  any. Calls the source's pause() and resume() on workers and on the source's own thread.
class SourceBrake {
 public:
  using Feeds = std::function<bool(const BreakerChange&)>;

  SourceBrake(Bus& bus, Source& source, Feeds feeds);
  ~SourceBrake() { let_go(); }
  SourceBrake(const SourceBrake&) = delete;
  SourceBrake& operator=(const SourceBrake&) = delete;

  /// From now on it hears of the bus and of the publisher's lanes. Before the publisher's first event.
  void watch(Publisher& publisher);
  /// Pauses the source until release(), whatever the bus does.
  void hold() { put_on({Why::program, 0, 0}); }
  void release() { take_off({Why::program, 0, 0}); }
  /// Hears of breakers no more, and resumes the source. The publisher goes first.
  void let_go();
  /// How often the source was told to pause.
  [[nodiscard]] std::uint64_t pauses() const;

 private:
  enum class Why : std::uint8_t { program, breaker, lane };
  struct Reason {
    Why why;
    std::uint64_t what;  ///< the subscription's serial number; of a lane nothing
    unsigned worker;
    friend auto operator<=>(const Reason&, const Reason&) = default;
  };
  void put_on(const Reason& reason);
  void take_off(const Reason& reason);

  Source& source_;
  const Feeds feeds_;
  const std::shared_ptr<BreakerListeners> breakers_;
  std::uint64_t listener_ = 0;
  mutable std::mutex mutex_;
  std::set<Reason> reasons_;  // behind mutex_
  std::uint64_t pauses_ = 0;  // behind mutex_
};

}  // namespace headrace
