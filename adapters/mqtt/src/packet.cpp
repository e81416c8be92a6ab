#include "packet.hpp"

#include <algorithm>

namespace headrace::mqtt {
namespace {

void append_length(std::string& out, std::size_t length) {
  do {
    const auto low = static_cast<std::uint8_t>(length & 0x7f);
    length >>= 7;
    out += static_cast<char>(length != 0 ? low | 0x80 : low);
  } while (length != 0);
}

}  // namespace

void PacketWriter::two_bytes(std::uint16_t value) {
  byte(static_cast<std::uint8_t>(value >> 8));
  byte(static_cast<std::uint8_t>(value & 0xff));
}
void PacketWriter::four_bytes(std::uint32_t value) {
  two_bytes(static_cast<std::uint16_t>(value >> 16));
  two_bytes(static_cast<std::uint16_t>(value & 0xffff));
}
void PacketWriter::text(std::string_view value) {
  two_bytes(static_cast<std::uint16_t>(value.size()));
  raw(value);
}
void PacketWriter::properties(const PacketWriter& properties) {
  append_length(body_, properties.body_.size());
  body_ += properties.body_;
}
void PacketWriter::finish(PacketType type, std::uint8_t flags, std::string& out) const {
  out += static_cast<char>(static_cast<std::uint8_t>(type) << 4 | flags);
  append_length(out, body_.size());
  out += body_;
}

std::string_view PacketReader::take(std::size_t size) {
  if (!good_ || size > rest_.size()) {
    good_ = false;
    rest_ = {};
    return {};
  }
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return taken;
}
std::uint8_t PacketReader::byte() {
  const std::string_view taken = take(1);
  return taken.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(taken[0]);
}
std::uint16_t PacketReader::two_bytes() {
  const unsigned high = byte();
  return static_cast<std::uint16_t>(high << 8 | byte());
}
std::uint32_t PacketReader::four_bytes() {
  const std::uint32_t high = two_bytes();
  return high << 16 | two_bytes();
}
std::uint32_t PacketReader::length() {
  std::uint32_t value = 0;
  for (unsigned shift = 0; shift < 28; shift += 7) {
    const std::uint8_t next = byte();
    value |= static_cast<std::uint32_t>(next & 0x7f) << shift;
    if ((next & 0x80) == 0) return value;
  }
  good_ = false;
  return 0;
}
std::string_view PacketReader::text() { return take(two_bytes()); }

void append_answer(PacketType type, std::uint16_t id, std::uint8_t reason, std::string& out) {
  PacketWriter answer;
  answer.two_bytes(id);
  if (reason != 0) answer.byte(reason);
  answer.finish(type, type == PacketType::pubrel ? 2 : 0, out);  // MQTT's flags of a PUBREL
}

Properties read_properties(PacketReader& reader) {
  Properties properties;
  PacketReader inner(reader.take(reader.length()));
  while (inner.good() && !inner.at_end()) {
    switch (inner.byte()) {
      case 0x03:
        properties.content_type = inner.text();
        break;
      case 0x09:
        properties.correlation = inner.text();
        break;
      case 0x13:
        properties.keep_alive_s = inner.two_bytes();
        break;
      case 0x1f:
        properties.reason = inner.text();
        break;
      case 0x21:
        properties.receive_maximum = inner.two_bytes();
        break;
      case 0x22:
        properties.topic_alias_maximum = inner.two_bytes();
        break;
      case 0x23:
        properties.topic_alias = inner.two_bytes();
        break;
      case 0x24:
        properties.qos_maximum = inner.byte();
        break;
      case 0x25:
        properties.retain_available = inner.byte();
        break;
      case 0x26: {
        const std::string_view name = inner.text();
        properties.user.emplace_back(name, inner.text());
        break;
      }
      case 0x27:
        properties.packet_bytes_max = inner.four_bytes();
        break;
      case 0x01:
      case 0x17:
      case 0x19:
      case 0x28:
      case 0x29:
      case 0x2a:  // one byte
        inner.byte();
        break;
      case 0x02:
      case 0x11:
      case 0x18:  // four
        inner.four_bytes();
        break;
      case 0x0b:  // a length
        inner.length();
        break;
      case 0x08:
      case 0x12:
      case 0x15:
      case 0x16:
      case 0x1a:
      case 0x1c:  // texts and bytes
        inner.text();
        break;
      default:
        inner.take(inner.rest().size() + 1);
    }
  }
  if (!inner.good()) reader.take(reader.rest().size() + 1);
  return properties;
}

namespace {

struct FixedHeader {
  std::uint8_t first = 0;
  std::size_t bytes = 0;
  std::size_t length = 0;  ///< of what follows
};

/// Nothing while it is not all there. `bad` is set for a length that is none.
std::optional<FixedHeader> read_fixed_header(std::string_view bytes, bool& bad) {
  if (bytes.size() < 2) return std::nullopt;
  // The length is complete when one of its bytes has no continuation bit.
  const auto digits = bytes.substr(1, 4);
  const auto last =
      std::ranges::find_if(digits, [](char c) { return (static_cast<std::uint8_t>(c) & 0x80) == 0; });
  if (last == digits.end()) {
    bad = digits.size() == 4;
    return std::nullopt;
  }
  PacketReader reader(digits);
  const std::size_t length = reader.length();
  return FixedHeader{static_cast<std::uint8_t>(bytes[0]), 2 + static_cast<std::size_t>(last - digits.begin()),
                     length};
}

Packet packet_of(const FixedHeader& header, std::string_view body) {
  return {static_cast<PacketType>(header.first >> 4), static_cast<std::uint8_t>(header.first & 0x0f), body,
          header.length - body.size()};
}

}  // namespace

std::optional<Packet> take_packet(std::string_view& bytes, std::size_t bytes_max, bool& bad) {
  const auto header = read_fixed_header(bytes, bad);
  if (!header) return std::nullopt;
  if (header->length > bytes_max) {
    bad = true;
    return std::nullopt;
  }
  if (bytes.size() < header->bytes + header->length) return std::nullopt;
  const Packet packet = packet_of(*header, bytes.substr(header->bytes, header->length));
  bytes.remove_prefix(header->bytes + header->length);
  return packet;
}

std::optional<Packet> take_head(std::string_view& bytes, bool& bad) {
  const auto header = read_fixed_header(bytes, bad);
  if (!header) return std::nullopt;
  const auto rest = bytes.substr(header->bytes);
  bad = static_cast<PacketType>(header->first >> 4) != PacketType::publish;
  if (bad || rest.size() < 2) return std::nullopt;
  const bool has_id = (header->first & 0x06U) != 0;
  const std::size_t head = std::size_t{2} + PacketReader(rest).two_bytes() + (has_id ? 2 : 0);
  bad = head > header->length;
  if (bad || rest.size() < head) return std::nullopt;
  const Packet packet = packet_of(*header, rest.substr(0, head));
  bytes.remove_prefix(header->bytes + head);
  return packet;
}

}  // namespace headrace::mqtt
