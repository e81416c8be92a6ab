#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

#include "headrace/base/result.hpp"
#include "headrace/port/capabilities.hpp"
#include "headrace/port/health.hpp"
#include "headrace/port/message.hpp"

namespace headrace {

enum class SendResult : std::uint8_t {
  taken,      ///< Confirm will be called
  full,       ///< the buffer of unconfirmed messages is full: wait_for_room(), or drop by policy
  too_large,  ///< the broker would refuse it: capabilities().body_bytes_max
  closed,     ///< not started, or stopping
};

[[nodiscard]] constexpr std::string_view to_string(SendResult result) noexcept {
  constexpr std::string_view kNames[] = {"taken", "full", "too large", "closed"};
  return kNames[static_cast<std::size_t>(result)];
}

/// Bus to broker. Messages wait in a bounded buffer, go out on a thread of the sink's own with a window of
/// unconfirmed ones, and are done when the broker has confirmed them; after a broken connection the unconfirmed
/// ones are sent again, in order. At least once.
///
/// Order:    messages go out in the order taken; one thread's messages keep theirs.
/// Confirm:  called once for each message taken, on the sink's thread: Nothing when the broker has it, an error
///           when it refused it or the sink was stopped before. Must not throw and should not block; may call
///           send().
/// Threads:  every function from any thread; but not stop() inside a confirm.
class Sink {
 public:
  using Confirm = std::function<void(const Status&)>;

  virtual ~Sink() = default;
  /// Begins to connect; the broker need not be there yet. An error is one of options.
  [[nodiscard]] virtual Status start() = 0;
  /// Moves from the message only when it is taken.
  [[nodiscard]] virtual SendResult send(Message&& message, Confirm confirm) = 0;
  /// Waits until the buffer takes another message; false at the deadline, or when closed.
  [[nodiscard]] virtual bool wait_for_room(std::chrono::milliseconds deadline) = 0;
  /// Takes no more, waits until everything is confirmed, or the deadline; the rest is confirmed with an error.
  /// Answers how many that were. The destructor stops without waiting.
  virtual std::size_t stop(std::chrono::milliseconds deadline) = 0;
  [[nodiscard]] virtual Health health() const = 0;
  [[nodiscard]] virtual Capabilities capabilities() const = 0;
};

}  // namespace headrace
