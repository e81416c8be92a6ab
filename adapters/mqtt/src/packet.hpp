#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headrace::mqtt {

/// The first byte's upper half. Packets of authentication are nothing that this client asks for.
enum class PacketType : std::uint8_t {
  connect = 1,
  connack = 2,
  publish = 3,
  puback = 4,
  pubrec = 5,
  pubrel = 6,
  pubcomp = 7,
  subscribe = 8,
  suback = 9,
  ping_request = 12,
  ping_response = 13,
  disconnect = 14
};

/// A packet as it came, in the receive buffer: valid until the connection reads again.
struct Packet {
  PacketType type{};
  std::uint8_t flags = 0;
  std::string_view body;
  std::size_t beyond = 0;  ///< bytes behind the body that are read over: see take_head()
};

/// Writes a packet's parts, then the whole with its length.
class PacketWriter {
 public:
  void byte(std::uint8_t value) { body_ += static_cast<char>(value); }
  void two_bytes(std::uint16_t value);
  void four_bytes(std::uint32_t value);
  void text(std::string_view value);  ///< at most 65,535 bytes
  void raw(std::string_view bytes) { body_ += bytes; }
  void raw_bytes(const void* bytes, std::size_t size) { body_.append(static_cast<const char*>(bytes), size); }
  /// What another writer holds, behind its length: the properties of MQTT 5.
  void properties(const PacketWriter& properties);
  [[nodiscard]] std::size_t size() const noexcept { return body_.size(); }
  /// Appends the packet to `out`.
  void finish(PacketType type, std::uint8_t flags, std::string& out) const;

 private:
  std::string body_;
};

/// Reads a packet's parts. Reading beyond the end makes it bad, and reads nothing.
class PacketReader {
 public:
  explicit PacketReader(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool good() const noexcept { return good_; }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
  std::uint8_t byte();
  std::uint16_t two_bytes();
  std::uint32_t four_bytes();
  std::uint32_t length();  ///< one to four bytes of seven bits
  std::string_view text();
  std::string_view take(std::size_t size);

 private:
  std::string_view rest_;
  bool good_ = true;
};

/// The properties of MQTT 5 that this client understands. Others are read over.
struct Properties {
  std::string_view content_type;
  std::string_view correlation;  ///< any bytes
  std::vector<std::pair<std::string_view, std::string_view>> user;
  std::string_view reason;
  std::optional<std::uint16_t> receive_maximum;
  std::optional<std::uint32_t> packet_bytes_max;
  std::optional<std::uint16_t> keep_alive_s;
  std::optional<std::uint16_t> topic_alias_maximum;
  std::optional<std::uint16_t> topic_alias;
  std::optional<std::uint8_t> qos_maximum;
  std::optional<std::uint8_t> retain_available;
};

/// An answer of a few bytes: PUBACK and those of QoS 2. A reason of 0 is left out.
void append_answer(PacketType type, std::uint16_t id, std::uint8_t reason, std::string& out);

/// From the length to the last property. An unknown one makes the reader bad: nobody knows where it ends.
[[nodiscard]] Properties read_properties(PacketReader& reader);

/// Takes the first packet off the bytes; nothing while it is not all there. `bad` is set for a length that is none
/// or beyond the limit.
[[nodiscard]] std::optional<Packet> take_packet(std::string_view& bytes, std::size_t bytes_max, bool& bad);
/// Of a message that is too large for take_packet(): takes what tells which it is, its topic and id, as a packet whose body
/// ends there; nothing while that is not all there. `bad` is set for what is no message. MQTT 3.1.1: with MQTT 5 a topic may
/// stand behind.
[[nodiscard]] std::optional<Packet> take_head(std::string_view& bytes, bool& bad);

}  // namespace headrace::mqtt
