#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "headrace/mqtt/mqtt_options.hpp"
#include "headrace/port/capabilities.hpp"
#include "headrace/port/message.hpp"
#include "packet.hpp"
#include "topic_aliases.hpp"

namespace headrace::mqtt {

[[nodiscard]] Capabilities mqtt_capabilities(const MqttOptions& options);

/// What keeps a message from being published; empty if nothing does.
[[nodiscard]] std::string fault_of(const Message& message, bool v5, std::size_t packet_bytes_max);
struct PublishMarks {
  std::uint16_t id = 0;
  std::uint8_t qos = 1;
  bool v5 = true;
  bool retained = false;
  bool sent_before = false;  ///< said in a header: brokers pass on no DUP of the sender
  bool dup = false;          ///< this id was sent before
  OutgoingAliases::Alias alias = {};
};
void append_publish(const Message& message, const PublishMarks& marks, std::string& out);

struct IncomingPublish {
  Message message;
  std::uint16_t id = 0;  ///< 0: QoS 0, to which nothing is answered
  std::uint8_t qos = 0;
  bool redelivered = false;
  bool dup = false;  ///< of this id
  std::optional<std::uint16_t> topic_alias;
};
/// Nothing for a packet that cannot be read. A topic may be empty only with an alias, whose meaning is not looked for here.
/// Of a retained message a header says so, which no publisher can say.
[[nodiscard]] std::optional<IncomingPublish> read_publish(const Packet& packet, bool v5);

}  // namespace headrace::mqtt
