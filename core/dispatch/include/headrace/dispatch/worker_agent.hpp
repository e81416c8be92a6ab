#pragma once

#include <cstdint>

namespace headrace {

/// What else a worker does beside its lanes, for a layer above: timers, retries. A worker without one asks nobody.
/// Threads: the worker's; abandon() by whoever stops the bus, after the worker's thread has ended.
class WorkerAgent {
 public:
  virtual ~WorkerAgent() = default;

  /// Does what is due: how many deliveries were settled, or tried again.
  virtual std::uint64_t turn() = 0;
  /// The worker must not sleep beyond this; the highest value: nothing is pending.
  [[nodiscard]] virtual std::uint64_t next_due_ns() const noexcept = 0;
  /// How many events the worker may take before it asks again: backpressure.
  [[nodiscard]] virtual std::uint64_t credit() const noexcept = 0;
  /// Gives up everything that is kept: how many deliveries were lost.
  virtual std::uint64_t abandon() = 0;
};

}  // namespace headrace
