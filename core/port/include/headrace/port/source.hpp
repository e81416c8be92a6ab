#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

#include "headrace/base/result.hpp"
#include "headrace/port/capabilities.hpp"
#include "headrace/port/health.hpp"
#include "headrace/port/message.hpp"
#include "headrace/port/settle.hpp"

namespace headrace {

struct ReceivedMessage {
  Message message;
  Settle settle;
  bool redelivered = false;  ///< the broker says so; with some it is also said of messages never seen
  unsigned attempt = 0;      ///< the broker's count, from 1; 0: it does not count
};

/// Broker to bus. Receives on a thread of its own, hands each message over with the right to settle it, and tells
/// the broker only what was settled: what a crash leaves unsettled, the broker delivers again. At least once.
///
/// Backpressure: at most `unsettled_max` (an option of every adapter) messages are out at once, and none are
///               fetched while paused. What the client library has fetched before may still arrive.
/// Connections:  made again by themselves, with jittered delays; health() says how it stands. Messages of a broken
///               connection come again from the broker; settling their first copies does nothing.
/// Threads:      every function from any thread; deliver is called on the source's own thread, one call at a time,
///               must not throw and should not block.
class Source {
 public:
  using Deliver = std::function<void(ReceivedMessage&&)>;

  virtual ~Source() = default;
  /// Begins to connect and receive; the broker need not be there yet. An error is one of options.
  [[nodiscard]] virtual Status start(Deliver deliver) = 0;
  virtual void pause() = 0;
  virtual void resume() = 0;
  /// Receives no more, waits until what is out has been settled, or the deadline, tells the broker, and
  /// disconnects. Answers how many were left unsettled. The destructor stops without waiting.
  virtual std::size_t stop(std::chrono::milliseconds deadline) = 0;
  [[nodiscard]] virtual Health health() const = 0;
  [[nodiscard]] virtual Capabilities capabilities() const = 0;
};

}  // namespace headrace
