#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headrace {

/// A message as brokers know it. Adapters move these and understand nothing of them; formats (adapters/wire) turn
/// them into events.
struct Message {
  std::string topic;         ///< the broker's own address: MQTT topic, routing key, stream
  std::string key;           ///< what the broker orders by, where it does; may be empty
  std::string content_type;  ///< may be empty
  std::vector<std::pair<std::string, std::string>> headers;  ///< in the order given; names may repeat
  std::vector<std::byte> body;

  friend bool operator==(const Message&, const Message&) = default;
};

/// The header of a message that its receiver may have already: its sink sent it before, or a bridge was given it again.
/// Sources take it off and say `redelivered`.
inline constexpr std::string_view kAgainHeader = "x-headrace-again";

/// Takes the header off; whether it was there.
[[nodiscard]] inline bool take_again_header(Message& message) {
  return std::erase_if(message.headers, [](const auto& header) { return header.first == kAgainHeader; }) > 0;
}

/// Headers of a message whose publisher named it, or what it answers, in the message's own fields: AMQP's message-id and
/// correlation-id, MQTT 5's correlation data. Sources set them, unless the message has a header of that name; RabbitMQ's sink
/// turns them back into the fields. A bridge can tell copies apart by the first.
inline constexpr std::string_view kForeignIdHeader = "message-id";
inline constexpr std::string_view kForeignCorrelationHeader = "correlation-id";

/// Adds the header, unless there is one of that name or the field is empty. What is not plain ASCII becomes hexadecimal
/// digits, since headers of other brokers are text. For adapters.
void add_foreign_header(Message& message, std::string_view name, std::string_view field);

/// What a message weighs in buffers.
[[nodiscard]] inline std::size_t message_bytes(const Message& message) noexcept {
  std::size_t bytes = sizeof(Message) + message.topic.size() + message.key.size() + message.content_type.size() +
                      message.body.size();
  for (const auto& [name, value] : message.headers) bytes += 2 * sizeof(std::string) + name.size() + value.size();
  return bytes;
}

}  // namespace headrace
