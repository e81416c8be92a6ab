#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "headrace/base/result.hpp"

namespace headrace::rabbitmq {

enum class ExchangeType : std::uint8_t { direct, fanout, topic, headers };
enum class QueueType : std::uint8_t { classic, quorum };
enum class Overflow : std::uint8_t {
  drop_head,       ///< the oldest message goes, to the dead letters if there are any
  reject_publish,  ///< the publisher is told no
};

/// Durable: it outlives the server.
struct Exchange {
  std::string name;
  ExchangeType type = ExchangeType::topic;
};

struct DeadLetterTarget {
  std::string exchange;     ///< empty: the default exchange, so that the routing key names a queue
  std::string routing_key;  ///< empty: the message's own
};

/// Durable: it outlives the server, and persistent messages with it.
struct Queue {
  std::string name;
  QueueType type = QueueType::classic;
  std::optional<DeadLetterTarget> dead_letters =
      std::nullopt;                          ///< where rejected and expired messages go; without: nowhere
  std::chrono::milliseconds message_ttl{0};  ///< 0: messages do not expire
  std::size_t messages_max = 0;              ///< 0: no limit
  Overflow overflow = Overflow::drop_head;
  unsigned delivery_limit = 0;          ///< quorum queues only: then a message is dead; 0: no limit
  bool single_active_consumer = false;  ///< the others wait until it ends: order for standby consumers
};

/// For headers exchanges bind with the server's own tools: it needs typed arguments.
struct Binding {
  std::string exchange;
  std::string queue;
  std::string routing_key;  ///< topic exchanges: * one word, # any number of words
};

/// What must exist, declared at every connection, in this order. Declaring what exists with other properties is an
/// error, which gives up.
struct Topology {
  std::vector<Exchange> exchanges;
  std::vector<Queue> queues;
  std::vector<Binding> bindings;

  /// A queue of this name, and NAME.dead for what is rejected from it.
  [[nodiscard]] static Topology queue_with_dead_letters(std::string name, QueueType type = QueueType::classic);
  /// Names that AMQP cannot carry, options that exclude each other, bindings to nothing.
  [[nodiscard]] Status check() const;
};

}  // namespace headrace::rabbitmq
