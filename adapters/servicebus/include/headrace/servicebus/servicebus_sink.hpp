#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "headrace/port/buffered_sink.hpp"
#include "headrace/servicebus/servicebus_options.hpp"

namespace headrace::servicebus {

struct ServiceBusSinkOptions {
  ServiceBusOptions server = {};
  std::string entity = {};  ///< a queue or topic; empty: the connection string's EntityPath
  SendBuffer::Limits buffer = {};
  std::chrono::milliseconds time_to_live{0};  ///< of each message; 0: as the entity has it
  /// Before anything is sent again to a server that says that it is busy; Azure asks for ten seconds.
  std::chrono::milliseconds busy_pause{10'000};
  /// The Standard tier takes messages of 256 KiB with all their properties, Premium of 1 MiB and, if it is told, more.
  std::size_t body_bytes_max = std::size_t{192} << 10;
};

/// Sink to a queue or topic: a message's topic is its subject, its key the session. Messages go out without waiting,
/// and each is done when the broker has accepted it. Each has a message-id, which stays the same when it is sent
/// again after a broken connection: an entity with duplicate detection keeps one of them. message_headers.hpp names
/// headers that set the id and schedule a message.
///
/// Errors:  what the broker says when it refuses a message; a retry may help where the reason may pass (a full
///          queue).
/// Blocked: a message that a busy server refuses is kept and sent again after `busy_pause`, before all that was not
///          sent; those behind it that the server took meanwhile stay before it. Until then nothing is sent, health()
///          says `blocked`, and the buffer fills up.
class ServiceBusSink final : public BufferedSink {
 public:
  explicit ServiceBusSink(ServiceBusSinkOptions options);
  [[nodiscard]] SendResult send(Message&& message, Confirm confirm) override;

 private:
  class Writer;
};

}  // namespace headrace::servicebus
