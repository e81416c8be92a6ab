#include "greeting.hpp"

#include <algorithm>

#include "publish.hpp"

namespace headrace::mqtt {
namespace {

constexpr std::uint8_t kSessionExpiry = 0x11;
constexpr std::uint8_t kWillDelay = 0x18;
constexpr std::uint8_t kReceiveMaximum = 0x21;
constexpr std::uint8_t kTopicAliasMaximum = 0x22;
constexpr std::uint8_t kPacketMaximum = 0x27;

unsigned will_flags(const MqttWill& will) {
  return 0x04U | static_cast<unsigned>(will.qos) << 3 | (will.retained ? 0x20U : 0U);
}

}  // namespace

void append_connect(const MqttAddress& address, const MqttOptions& options, const Greeting& greeting,
                    std::string& out) {
  const bool v5 = options.version == MqttVersion::v5;
  PacketWriter connect;
  connect.text("MQTT");
  connect.byte(v5 ? 5 : 4);
  const unsigned flags = (address.user.empty() ? 0U : 0x80U) | (address.password.empty() ? 0U : 0x40U) |
                         (options.will ? will_flags(*options.will) : 0U) | (greeting.begins_anew ? 0x02U : 0U);
  connect.byte(static_cast<std::uint8_t>(flags));
  connect.two_bytes(static_cast<std::uint16_t>(options.keep_alive.count()));
  if (v5) {
    PacketWriter properties;
    properties.byte(kSessionExpiry);
    properties.four_bytes(greeting.session_expiry_s);
    if (greeting.receive_maximum != 0) {
      properties.byte(kReceiveMaximum);
      properties.two_bytes(greeting.receive_maximum);
    }
    if (greeting.topic_alias_maximum != 0) {
      properties.byte(kTopicAliasMaximum);
      properties.two_bytes(greeting.topic_alias_maximum);
    }
    properties.byte(kPacketMaximum);
    properties.four_bytes(
        static_cast<std::uint32_t>(std::min<std::size_t>(options.packet_bytes_max, 0xffff'ffff)));
    connect.properties(properties);
  }
  connect.text(options.client_id);
  if (options.will) {
    if (v5) {
      PacketWriter properties;
      properties.byte(kWillDelay);
      properties.four_bytes(static_cast<std::uint32_t>(options.will->delay.count()));
      connect.properties(properties);
    }
    connect.text(options.will->topic);
    connect.text(options.will->body);
  }
  if (!address.user.empty()) connect.text(address.user);
  if (!address.password.empty()) connect.text(address.password);
  connect.finish(PacketType::connect, 0, out);
}

std::optional<Welcome> read_connack(std::string_view body, bool v5) {
  PacketReader reader(body);
  Welcome welcome;
  welcome.session_present = (reader.byte() & 1U) != 0;
  welcome.reason = reader.byte();
  Properties said;
  if (v5 && !reader.at_end()) said = read_properties(reader);
  if (!reader.good()) return std::nullopt;
  BrokerLimits& limits = welcome.limits;
  if (said.receive_maximum.value_or(0) != 0) limits.receive_maximum = *said.receive_maximum;
  if (said.packet_bytes_max.value_or(0) != 0) {
    limits.packet_bytes_max = std::min(limits.packet_bytes_max, *said.packet_bytes_max);
  }
  limits.topic_alias_maximum = said.topic_alias_maximum.value_or(0);
  limits.qos_maximum = said.qos_maximum.value_or(2);
  limits.retain_available = said.retain_available.value_or(1) != 0;
  if (said.keep_alive_s.value_or(0) != 0) welcome.keep_alive = std::chrono::seconds(*said.keep_alive_s);
  return welcome;
}

void append_disconnect(bool ends_session, std::string& out) {
  PacketWriter disconnect;
  if (ends_session) {
    PacketWriter properties;
    properties.byte(kSessionExpiry);
    properties.four_bytes(0);
    disconnect.byte(0);
    disconnect.properties(properties);
  }
  disconnect.finish(PacketType::disconnect, 0, out);
}

std::string fault_of(const MqttWill& will, MqttVersion version) {
  constexpr std::size_t kBodyMax = 65'535;
  Message message;
  message.topic = will.topic;
  if (std::string fault = fault_of(message, true, kBodyMax * 2); !fault.empty()) return fault;
  if (will.body.size() > kBodyMax) return "the body has at most 65535 bytes";
  if (will.delay.count() < 0 || will.delay.count() > 0xffff'ffff) return "the delay must be 0 to 4294967295 s";
  if (version == MqttVersion::v311 && will.delay.count() != 0) return "MQTT 3.1.1 has no delay";
  return {};
}

}  // namespace headrace::mqtt
