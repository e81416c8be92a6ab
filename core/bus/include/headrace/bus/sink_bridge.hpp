#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "headrace/bus/bus.hpp"
#include "headrace/bus/relay.hpp"
#include "headrace/port/backoff.hpp"
#include "headrace/port/sink.hpp"

namespace headrace {

struct SinkBridgeOptions {
  /// Which topics, and on which worker; not `deduplicated`: its copies are told apart where they come in.
  SubscribeOptions subscription = {};
  /// Changes a message before it goes this way, on a copy of this way's own; none: it goes as it came. An error rejects
  /// the message, or gives it back after a rest, as the error's `retry` says.
  std::function<Status(Message&)> change = nullptr;
  /// Whether a message, as changed, goes this way, with its topic in the bus; none: all do. What it refuses is done, for this
  /// way. An error rejects the message.
  std::function<Result<bool>(std::string_view topic, const Message&)> accepts = nullptr;
  /// The broker's topic for one of the bus; none: the same. An error rejects the message.
  std::function<Result<std::string>(std::string_view topic)> topic = nullptr;
  /// Packs a message that goes out, under the broker's topic: leaves with a claim check what is too large. Errors as those
  /// of change.
  std::function<Status(Message&)> pack = nullptr;
  /// How long messages that the sink refuses for now wait before their source's broker gets them back: full jitter,
  /// longer the more often in a row. Meanwhile they count as unsettled, so that refusals slow the source down. With a
  /// cap of 0: not at all.
  Backoff::Options rest = {std::chrono::milliseconds(100), std::chrono::milliseconds(2'000)};
};

/// Bus to sink: each RelayedMessage that matches goes out, and is answered when the broker has answered: done when it
/// is confirmed, reject with its reason when no retry helps, retry otherwise. Its handler does not wait: a broker that
/// is away costs the worker nothing. Give the sink's buffer room for the unsettled_max of all sources that lead to it:
/// what finds it full goes back to its source's broker, after a rest. What its source's broker delivered again says so
/// there (kAgainHeader), where the sink's capabilities have a place for it.
///
/// Order:    as the messages reach the subscription's worker: one publisher's, one key's.
/// Threads:  any. The sink outlives the bridge, and the bridge every message that it has taken.
class SinkBridge {
 public:
  struct Counts {
    std::uint64_t sent = 0;
    std::uint64_t confirmed = 0;
    std::uint64_t filtered = 0;  ///< not accepted
    std::uint64_t rejected = 0;  ///< by the broker, by a function of the options, or for their size
    std::uint64_t retried = 0;   ///< back with their source's broker
  };

  /// Throws ConfigError for a subscription that cannot be honoured.
  SinkBridge(Bus& bus, Sink& sink, SinkBridgeOptions options);
  ~SinkBridge();

  /// No further message goes this way; what its sink has taken is still answered and counted. @thread any
  void close();
  [[nodiscard]] Counts counts() const;
  /// Whether its sink has answered all that it took. Once closed, it stays so. @thread any
  [[nodiscard]] bool is_idle() const;

 private:
  class Way;  ///< what confirms reach after the bridge has gone
  const std::shared_ptr<Way> way_;
  Subscription subscription_;
};

}  // namespace headrace
