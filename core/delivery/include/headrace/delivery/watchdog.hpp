#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "headrace/base/time_source.hpp"
#include "headrace/delivery/watch_slot.hpp"

namespace headrace {

/// Looks after handlers that have a limit, from outside: a worker that hangs cannot say so itself.
///
/// Its thread begins with the first subscription that has a limit, if there is somebody to tell or shards to move,
/// and looks twice a limit, the shortest one, or each millisecond: so late a call is reported at most. It sleeps then.
/// Threads:  watch, slow_handlers by anyone; stop by one at a time: the bus that ends, or a report.
class Watchdog {
 public:
  using Report = std::function<void(const SlowHandler&)>;

  /// Without `report` nobody is told; slow_handlers() may be asked.
  Watchdog(TimeSource time, Report report) : time_(time), report_(std::move(report)) {}
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog() { stop(); }

  enum class Looks : std::uint8_t { to_report, to_move, when_asked };
  /// From now on these workers' calls may last so long. The slots live until stop().
  void watch(std::vector<WatchSlot*> slots, std::chrono::nanoseconds limit, Looks looks);
  [[nodiscard]] std::vector<SlowHandler> slow_handlers() const;
  /// Nothing is reported after this. Within a report it does not wait for the thread, which ends when that returns;
  /// the destructor does, and must not run there.
  void stop() noexcept;

 private:
  void run();
  [[nodiscard]] bool was_stopped() const;

  const TimeSource time_;
  const Report report_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<WatchSlot*> slots_;
  std::chrono::nanoseconds shortest_ = std::chrono::nanoseconds::max();
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace headrace
