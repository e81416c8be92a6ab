#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "headrace/port/buffered_sink.hpp"
#include "headrace/rabbitmq/rabbit_options.hpp"
#include "headrace/rabbitmq/topology.hpp"

namespace headrace::rabbitmq {

enum class Unroutable : std::uint8_t {
  refuse,  ///< published as mandatory: a message that reaches no queue is answered with an error
  drop,    ///< it is gone, and counts as confirmed
};

struct RabbitSinkOptions {
  RabbitOptions server = {};
  std::string exchange =
      {};                  ///< must exist or be in the topology; empty: the default one, where topics are queues
  Topology topology = {};  ///< declared at every connection
  SendBuffer::Limits buffer = {};
  Unroutable unroutable = Unroutable::refuse;
  bool persistent = true;  ///< kept on the server's disk before it is confirmed, in durable queues
  std::size_t body_bytes_max = std::size_t{128} << 20;  ///< the server's max_message_size
};

/// Sink to an exchange: a message's topic is its routing key. Messages go out without waiting, and each is done
/// when the server has confirmed it.
///
/// Errors:   a message that the server returns (no queue) is answered with an error that no retry helps, one that
///           it refuses (a full queue with Overflow::reject_publish) with `maybe`. One for which it closes the
///           channel (no right to publish, larger than it takes, a header CC or BCC, which would have to be a list)
///           is answered with what it said, which no retry helps; the others go on. To find it, those that were not
///           confirmed are sent again one by one, some of them a second time.
/// Blocked:  under the server's alarms of memory and disk nothing is sent; health() says `blocked` and the buffer
///           fills up.
class RabbitSink final : public BufferedSink {
 public:
  explicit RabbitSink(RabbitSinkOptions options);
  [[nodiscard]] SendResult send(Message&& message, Confirm confirm) override;

 private:
  class Writer;
};

}  // namespace headrace::rabbitmq
