#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "headrace/base/atomic.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/port/backoff.hpp"

namespace headrace {

/// Lets what was refused for now wait before whoever brought it hears of it, so that it does not come again at once,
/// for ever and at full speed. For bridges.
///
/// What is kept is let go together, after a time that grows with each rest that follows another, or when the bus ends;
/// a bus that can time no more lets it go at once.
/// Chance:   how long a rest is. On a bus with a seed the same rests each run, other ones for another name.
/// Threads:  any.
class RefusalRest {
 public:
  /// With a cap of 0 nothing rests. `name`: who rests.
  RefusalRest(Bus& bus, Backoff::Options options, std::string_view name);
  RefusalRest(const RefusalRest&) = delete;
  RefusalRest& operator=(const RefusalRest&) = delete;

  void keep(std::shared_ptr<const void> refused);
  /// Something was taken: the next rest is a short one.
  void went_well() noexcept;
  /// The bus may go now; nothing rests any more.
  void leave_bus();

 private:
  struct Resting;

  const bool rests_;
  std::mutex mutex_;
  Backoff backoff_;                           // behind mutex_
  std::weak_ptr<Resting> resting_;            // behind mutex_; its event has it
  Bus* bus_;                                  // behind mutex_
  std::optional<Subscription> subscription_;  // behind mutex_; to the event that carries them
  Atomic<bool> rested_{false};                // writers: whoever keeps, and whoever goes well
};

}  // namespace headrace
