#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "headrace/bus/bus.hpp"
#include "headrace/bus/refusal_rest.hpp"
#include "headrace/bus/relay.hpp"
#include "headrace/bus/relay_window.hpp"
#include "headrace/bus/source_brake.hpp"
#include "headrace/port/backoff.hpp"

namespace headrace {

/// Its functions are called on the source's thread, and must not throw.
struct SourceBridgeOptions {
  std::string name = "source";  ///< in the bus's EventFlow
  /// The bus's topic for a message; none: the message's own. An error rejects the message.
  std::function<Result<std::string>(const Message&)> topic = nullptr;
  /// Changes a message before it enters the bus: fetches what a claim check left behind. An error rejects it, or gives it
  /// back after a rest, as the error's `retry` says.
  std::function<Status(Message&)> change = nullptr;
  /// What tells a copy of a message from another message; none, or an empty text: every message is another.
  std::function<std::string(const Message&)> identity = nullptr;
  std::size_t identities_max = 100'000;      ///< how many done messages are remembered
  Settlement unrouted = Settlement::reject;  ///< for a message that nobody subscribes to
  /// How long a message waits that the bus, or `change`, refuses for now before its broker gets it back: as
  /// InboundOptions::rest.
  Backoff::Options rest = {std::chrono::milliseconds(100), std::chrono::milliseconds(2'000)};
};

/// Source to bus: each message becomes a RelayedMessage under its topic, and is settled when all that handle it
/// have.
///
/// Backpressure: the source's unsettled_max bounds what is in the bus and in sinks together; a lane that is full
///               blocks or refuses by its group's policy, and what the bus refuses goes back to the broker, after a
///               rest. The source is paused from a lane's high watermark until it is empty again, and while a breaker
///               is open of a subscription to relayed messages, whose topics nobody knows beforehand.
/// Threads:      any. The bus and the source outlive it.
class SourceBridge {
 public:
  struct Counts {
    std::uint64_t received = 0;
    std::uint64_t published = 0;
    std::uint64_t copies = 0;  ///< of messages that were done or under way
    std::uint64_t unrouted = 0;
    std::uint64_t rejected = 0;  ///< for want of a topic that the bus can have, or by change
    std::uint64_t refused = 0;   ///< by the bus, or by change for now; back with the broker
    std::uint64_t pauses = 0;    ///< how often the source was told to pause
  };

  SourceBridge(Bus& bus, Source& source, SourceBridgeOptions options = {});
  /// Stops the source that it started, without waiting: no message comes to a bridge that has gone.
  ~SourceBridge();
  SourceBridge(const SourceBridge&) = delete;
  SourceBridge& operator=(const SourceBridge&) = delete;

  /// Starts the source. An error is one of its options.
  [[nodiscard]] Status start();
  /// Stops the source: answers how many messages were left unsettled, which their broker delivers again.
  std::size_t stop(std::chrono::milliseconds deadline) { return source_.stop(deadline); }
  /// While the caller has it, no message enters the bus: the source's thread waits. For a moment in which
  /// subscriptions change together. Not inside a handler, and not around stop().
  [[nodiscard]] std::unique_lock<std::mutex> hold() { return std::unique_lock(entering_); }
  [[nodiscard]] Counts counts() const;
  /// Pauses the source until resume(), beside what the bus pauses it for.
  void pause() { brake_.hold(); }
  void resume() { brake_.release(); }

 private:
  void take(ReceivedMessage&& received);
  void publish(const std::string& topic, RelayedMessage&& event);
  /// By the bus, or by change.
  void refuse(const std::shared_ptr<Relay>& relay);
  void count(std::uint64_t Counts::*what);

  Bus& bus_;
  Source& source_;
  const SourceBridgeOptions options_;
  const std::shared_ptr<RelayWindow> window_;
  std::optional<Publisher> publisher_;  // owner: the source's thread
  RefusalRest rest_;
  SourceBrake brake_;
  std::mutex entering_;
  mutable std::mutex mutex_;
  Counts counts_;
};

}  // namespace headrace
