#include "publish.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

#include "headrace/base/utf8.hpp"

namespace headrace::mqtt {
namespace {

constexpr std::string_view kKeyProperty = "headrace-key";
constexpr std::size_t kTextMax = 65'535;
constexpr unsigned kQosShift = 1;
constexpr std::uint8_t kDup = 0x08;
constexpr std::uint8_t kRetain = 0x01;

void add_user(PacketWriter& properties, std::string_view name, std::string_view value) {
  properties.byte(0x26);
  properties.text(name);
  properties.text(value);
}

/// MQTT forbids a text for it, or lets the broker end the connection: control characters with NUL, and the code
/// points that are no characters.
bool is_forbidden(unsigned point) {
  if (point < 0x20 || (point >= 0x7f && point < 0xa0)) return true;
  return (point >= 0xfdd0 && point <= 0xfdef) || (point & 0xfffe) == 0xfffe;
}

/// A text that no broker ends the connection for.
bool is_text(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (malformed_utf8(text) != std::string_view::npos) return false;
  for (std::size_t at = 0; at < text.size();) {
    const unsigned first = byte(at);
    const std::size_t bytes = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    unsigned point = bytes == 1 ? first : first & (0x7fU >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) point = point << 6 | (byte(at + i) & 0x3fU);
    if (is_forbidden(point)) return false;
    at += bytes;
  }
  return true;
}

}  // namespace

bool is_retained(const Message& message) {
  return std::ranges::any_of(message.headers, [](const auto& header) {
    return header.first == kRetainedHeader && header.second == "true";
  });
}

Capabilities mqtt_capabilities(const MqttOptions& options) {
  const bool v5 = options.version == MqttVersion::v5;
  return {.name = v5 ? "mqtt 5" : "mqtt 3.1.1",
          .order_by_key = true,
          .retry = true,
          .dead_letters = false,
          .redelivery_flag = true,
          .headers = v5,
          .content_type = v5,
          .durable = true,
          .body_bytes_max = options.packet_bytes_max - std::min<std::size_t>(options.packet_bytes_max, 128 << 10)};
}

std::string fault_of(const Message& message, bool v5, std::size_t packet_bytes_max) {
  if (message.topic.empty() || message.topic.size() > kTextMax) return "the topic must have 1 to 65535 bytes";
  if (message.topic.find_first_of("+#") != std::string::npos) return "the topic holds a wildcard";
  if (!is_text(message.topic)) return "the topic is not UTF-8, or holds a control character";
  const auto travels = [](const auto& header) { return header.first != kRetainedHeader; };
  if (!v5 &&
      (std::ranges::any_of(message.headers, travels) || !message.content_type.empty() || !message.key.empty())) {
    return "MQTT 3.1.1 has no headers, no key and no content type";
  }
  std::size_t bytes =
      message.topic.size() + message.body.size() + message.content_type.size() + message.key.size() + 64;
  const auto too_long = [](std::string_view text) { return text.size() > kTextMax; };
  if (too_long(message.key) || too_long(message.content_type))
    return "the key or content type is longer than 65535 bytes";
  if (!is_text(message.key) || !is_text(message.content_type))
    return "the key or content type is not UTF-8, or holds a control character";
  for (const auto& [name, value] : message.headers) {
    if (too_long(name) || too_long(value)) return "a header is longer than 65535 bytes";
    if (!is_text(name) || !is_text(value)) return "a header is not UTF-8, or holds a control character";
    bytes += name.size() + value.size() + 5;
  }
  if (bytes > packet_bytes_max) return "it is larger than the broker takes";
  return {};
}

void append_publish(const Message& message, const PublishMarks& marks, std::string& out) {
  PacketWriter publish;
  publish.text(marks.alias.is_known ? std::string_view() : message.topic);
  publish.two_bytes(marks.id);
  if (marks.v5) {
    PacketWriter properties;
    if (marks.alias.number != 0) {
      properties.byte(0x23);
      properties.two_bytes(marks.alias.number);
    }
    if (!message.content_type.empty()) {
      properties.byte(0x03);
      properties.text(message.content_type);
    }
    for (const auto& [name, value] : message.headers) {
      if (name != kRetainedHeader) add_user(properties, name, value);
    }
    if (!message.key.empty()) add_user(properties, kKeyProperty, message.key);
    if (marks.sent_before) add_user(properties, kAgainHeader, "true");
    publish.properties(properties);
  }
  publish.raw_bytes(message.body.data(), message.body.size());
  const bool retained = marks.retained || is_retained(message);
  const unsigned flags =
      static_cast<unsigned>(marks.qos) << kQosShift | (retained ? kRetain : 0U) | (marks.dup ? kDup : 0U);
  publish.finish(PacketType::publish, static_cast<std::uint8_t>(flags), out);
}

std::optional<IncomingPublish> read_publish(const Packet& packet, bool v5) {
  PacketReader reader(packet.body);
  IncomingPublish incoming;
  incoming.redelivered = incoming.dup = (packet.flags & kDup) != 0;
  incoming.message.topic = reader.text();
  incoming.qos = static_cast<std::uint8_t>(packet.flags >> kQosShift & 3U);
  if (incoming.qos > 2) return std::nullopt;
  if (incoming.qos > 0) incoming.id = reader.two_bytes();
  if (v5) {
    const Properties properties = read_properties(reader);
    incoming.message.content_type = properties.content_type;
    incoming.topic_alias = properties.topic_alias;
    for (const auto& [name, value] : properties.user) {
      if (name == kKeyProperty) {
        incoming.message.key = value;
      } else if (name != kRetainedHeader) {
        incoming.message.headers.emplace_back(name, value);
      }
    }
    add_foreign_header(incoming.message, kForeignCorrelationHeader, properties.correlation);
    if (take_again_header(incoming.message)) incoming.redelivered = true;
  }
  if ((packet.flags & kRetain) != 0) incoming.message.headers.emplace_back(kRetainedHeader, "true");
  if (!reader.good() || (incoming.qos > 0 && incoming.id == 0)) return std::nullopt;
  if (incoming.message.topic.empty() && !incoming.topic_alias) return std::nullopt;
  const auto body = std::as_bytes(std::span(reader.rest()));
  incoming.message.body.assign(body.begin(), body.end());
  return incoming;
}

}  // namespace headrace::mqtt
