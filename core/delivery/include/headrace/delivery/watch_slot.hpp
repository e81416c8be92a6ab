#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace headrace {

class Context;
struct SubscriptionState;

/// A call of a handler that has taken longer than its subscription's `handler_limit`, and is not over.
struct SlowHandler {
  std::string subscription;
  std::string topic;
  std::string key;  ///< of the event, or of the first one of a batch; empty: its type has none
  unsigned worker = 0;
  std::chrono::nanoseconds age{};  ///< of the call, until now
  std::chrono::nanoseconds limit{};
};

/// Which call of a handler with a limit one worker is in.
///
/// Threads:  begin, end by the worker; the rest by anyone. Whoever looks reads the event, the topic and the
///           subscription, which are there for as long as the call lasts: the worker cannot leave it meanwhile.
///           Nobody else takes the mutex, so that it costs the worker two uncontended locks a call.
class WatchSlot {
 public:
  void begin(const SubscriptionState& subscription, const Context& context, std::uint64_t now_ns,
             std::chrono::nanoseconds limit) noexcept;
  void end() noexcept;

  /// Nothing: no call is over its limit.
  [[nodiscard]] std::optional<SlowHandler> slow(std::uint64_t now_ns) const;
  /// The same, once when the call passes its limit, and again each time that its age has doubled since.
  [[nodiscard]] std::optional<SlowHandler> newly_slow(std::uint64_t now_ns);

 private:
  [[nodiscard]] SlowHandler describe(std::chrono::nanoseconds age) const;

  mutable std::mutex mutex_;
  const SubscriptionState* subscription_ = nullptr;  ///< null: no call is watched
  const Context* context_ = nullptr;
  const void* event_ = nullptr;
  std::uint64_t begun_ns_ = 0;
  std::chrono::nanoseconds limit_{};
  std::chrono::nanoseconds reports_at_{};  ///< the age
};

}  // namespace headrace
