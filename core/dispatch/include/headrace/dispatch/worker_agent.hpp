#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace headrace {

class Context;
struct SubscriptionState;

/// What else a worker does beside its lanes, for a layer above: timers, retries. A worker without one asks nobody.
/// Threads: the worker's; abandon() by whoever stops the bus, after the worker's thread has ended; what the last
///          paragraph has, any.
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

  enum class [[nodiscard]] Thread : std::uint8_t{
      is_worker,
      was_left_behind,  ///< another one became the worker during a call: this one may not touch anything of it
  };
  /// Runs handlers that may be left behind, outside of any turn: nothing of the worker's is in use meanwhile. Adds
  /// to `ran`.
  virtual Thread run_apart(std::uint64_t& ran) = 0;

  /// A call whose context this is goes on while another thread is the worker.
  [[nodiscard]] virtual bool is_left_behind(const Context& context) const = 0;
  /// Such a call of the subscription's handler goes on; that with the context `but` is not meant.
  [[nodiscard]] virtual bool is_left_behind(const SubscriptionState& subscription, const Context* but) const = 0;
  /// The subscriptions of all such calls.
  [[nodiscard]] virtual std::vector<std::string> left_behind() const = 0;
};

}  // namespace headrace
