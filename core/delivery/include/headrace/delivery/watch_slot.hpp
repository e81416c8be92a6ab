#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

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
  bool left_behind = false;  ///< its worker goes on without it already: see OnOverrun::move_shards
};

/// Which calls of handlers with a limit one worker is in: its own, and those that it left behind.
///
/// This is where a worker changes threads. A call that may be left behind ends in one of two ways, and the mutex
/// decides which: its thread says that it is over, end(), and is the worker still; or another thread takes the worker,
/// take(), and the call's own will be told so by end(). Whatever the worker's thread did before begin() the next one
/// sees after take().
///
/// Threads:  begin, end by the thread that runs the handler; take by the one that is to be the worker; the rest by
///           anyone. Whoever looks reads the event, the topic and the subscription, which are there for as long as
///           the call lasts: its thread cannot leave it meanwhile. Nobody else takes the mutex, so that it costs the
///           worker two uncontended locks a call.
class WatchSlot {
 public:
  /// Has another thread call take() with this number soon. False: none can be had now.
  using AskForStandIn = std::function<bool(std::uint64_t call)>;

  WatchSlot() = default;
  explicit WatchSlot(AskForStandIn ask) : ask_(std::move(ask)) {}

  enum class Call : bool { stays, may_be_left_behind };
  void begin(const SubscriptionState& subscription, const Context& context, std::uint64_t now_ns,
             std::chrono::nanoseconds limit, Call call = Call::stays) noexcept;
  enum class [[nodiscard]] Ended : bool{by_worker, left_behind};
  Ended end(const Context& context) noexcept;
  /// True: the call with this number is left behind, and the calling thread is the worker. False: it was over.
  [[nodiscard]] bool take(std::uint64_t call);

  /// The calls that are over their limit.
  [[nodiscard]] std::vector<SlowHandler> slow(std::uint64_t now_ns) const;
  /// The same, each once when it passes its limit, and again each time that its age has doubled since.
  [[nodiscard]] std::vector<SlowHandler> newly_slow(std::uint64_t now_ns);
  /// Asks for another thread, if the worker's own call is over its limit, may be left behind, and none is to come.
  void ask_for_stand_in(std::uint64_t now_ns);

  [[nodiscard]] bool is_left_behind(const Context& context) const;
  /// A call of the subscription is, other than that with the context `but`.
  [[nodiscard]] bool is_left_behind(const SubscriptionState& subscription, const Context* but) const;
  [[nodiscard]] std::vector<std::string> left_behind() const;

 private:
  struct Watched {
    std::uint64_t number = 0;
    const SubscriptionState* subscription = nullptr;  ///< null: no call is watched
    const Context* context = nullptr;
    const void* event = nullptr;
    std::uint64_t begun_ns = 0;
    std::chrono::nanoseconds limit{};
    std::chrono::nanoseconds reports_at{};  ///< the age
    Call call = Call::stays;
    bool asked = false;  ///< another thread is to come

    /// Below zero: no call.
    [[nodiscard]] std::chrono::nanoseconds age(std::uint64_t now_ns) const noexcept;
    [[nodiscard]] SlowHandler describe(std::chrono::nanoseconds age) const;
  };

  const AskForStandIn ask_;
  mutable std::mutex mutex_;
  Watched now_;
  std::vector<Watched> left_behind_;
};

}  // namespace headrace
