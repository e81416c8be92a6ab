#include "packet.hpp"

#include <gtest/gtest.h>

#include "publish.hpp"

namespace headrace::mqtt {
namespace {

std::string packet_of_a_message(bool sent_before = false) {
  Message message;
  message.topic = "plant/7";
  message.key = "7";
  message.content_type = "text/plain";
  message.headers = {{"a", "1"}, {"a", "2"}};
  message.body.assign(300, std::byte{0xfe});
  std::string bytes;
  append_publish(message, {.id = 77, .retained = true, .sent_before = sent_before}, bytes);
  return bytes;
}

// Claim:  a message comes back as it went out.
// Method: one with everything, written and read.
TEST(MqttPacket, MessageComesBackAsItWentOut) {
  const std::string bytes = packet_of_a_message();
  std::string_view rest = bytes;
  bool bad = false;
  const auto packet = take_packet(rest, 10'000, bad);
  ASSERT_TRUE(packet && !bad && rest.empty());
  const auto incoming = read_publish(*packet, true);
  ASSERT_TRUE(incoming);
  EXPECT_EQ(incoming->id, 77);
  EXPECT_FALSE(incoming->redelivered);
  EXPECT_EQ(incoming->message.topic, "plant/7");
  EXPECT_EQ(incoming->message.key, "7");
  EXPECT_EQ(incoming->message.content_type, "text/plain");
  EXPECT_EQ(incoming->message.headers, (std::vector<std::pair<std::string, std::string>>{
                                           {"a", "1"}, {"a", "2"}, {std::string(kRetainedHeader), "true"}}));
  EXPECT_EQ(incoming->message.body, std::vector<std::byte>(300, std::byte{0xfe}));
}

// Claim:  of a message that was sent before the receiver knows that it may have it, and sees no header of ours.
// Method: the same message, marked.
TEST(MqttPacket, MessageSentBeforeSaysSo) {
  const std::string bytes = packet_of_a_message(true);
  std::string_view rest = bytes;
  bool bad = false;
  const auto incoming = read_publish(*take_packet(rest, 10'000, bad), true);
  ASSERT_TRUE(incoming);
  EXPECT_TRUE(incoming->redelivered);
  EXPECT_EQ(incoming->message.headers.size(), 3U);  // the third says that it was retained
}

// Claim:  a message with the header of retained ones goes out with MQTT's flag, and without the header.
// Method: one written, in both versions; its first byte and its text.
TEST(MqttPacket, HeaderOfRetainedOnesIsAFlag) {
  for (const bool v5 : {true, false}) {
    Message message;
    message.topic = "a";
    message.headers = {{std::string(kRetainedHeader), "true"}};
    EXPECT_EQ(fault_of(message, v5, 1'000), "");
    std::string bytes;
    append_publish(message, {.id = 1, .v5 = v5}, bytes);
    EXPECT_EQ(bytes[0], '\x33');
    EXPECT_EQ(bytes.find(kRetainedHeader), std::string::npos);
  }
}

// Claim:  the correlation data of another program is a header: as text, or as digits where it is none.
// Method: both, beside user properties; one with a header of that name.
TEST(MqttPacket, CorrelationDataIsAHeader) {
  using Headers = decltype(Message::headers);
  const auto headers_of = [](std::string_view data, std::string_view user = {}) {
    PacketWriter properties;
    properties.byte(0x09);
    properties.text(data);
    if (!user.empty()) {
      properties.byte(0x26);
      properties.text("correlation-id");
      properties.text(user);
    }
    PacketWriter publish;
    publish.text("a");
    publish.properties(properties);
    std::string bytes;
    publish.finish(PacketType::publish, 0, bytes);
    std::string_view rest = bytes;
    bool bad = false;
    const auto incoming = read_publish(*take_packet(rest, 1'000, bad), true);
    return incoming ? incoming->message.headers : Headers{{"not", "read"}};
  };
  EXPECT_EQ(headers_of("request 7"), (Headers{{"correlation-id", "request 7"}}));
  EXPECT_EQ(headers_of(std::string_view("\0\x7f\xe4", 3)), (Headers{{"correlation-id", "007fe4"}}));
  EXPECT_EQ(headers_of("request 7", "mine"), (Headers{{"correlation-id", "mine"}}));
  EXPECT_EQ(headers_of(""), Headers{});
}

// Claim:  a packet that is not all there yet is waited for, and one cut short within is refused, wherever it is
//         cut.
// Method: every beginning of a packet; every shorter body under a length that says so.
TEST(MqttPacket, CutPacketsAreWaitedForOrRefused) {
  const std::string bytes = packet_of_a_message();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    std::string_view rest = std::string_view(bytes).substr(0, size);
    bool bad = false;
    EXPECT_FALSE(take_packet(rest, 10'000, bad)) << size;
    EXPECT_FALSE(bad) << size;
  }
  std::string_view whole = bytes;
  bool bad = false;
  const Packet packet = *take_packet(whole, 10'000, bad);
  const std::size_t head = packet.body.size() - 300;
  for (std::size_t size = 0; size < head; ++size) {
    Packet cut = packet;
    cut.body = packet.body.substr(0, size);
    EXPECT_FALSE(read_publish(cut, true)) << size;
  }
}

// Claim:  of a message that is too large its topic and id can be taken as soon as they are there, and no packet that is no
//         message, or whose topic is longer than it is, is taken for one.
// Method: every beginning of one of each QoS; two wrong ones.
TEST(MqttPacket, HeadOfALargeMessageTellsWhichItIs) {
  for (const unsigned qos : {0U, 1U, 2U}) {
    PacketWriter publish;
    publish.text("plant/7");
    if (qos != 0) publish.two_bytes(77);
    publish.raw(std::string(5'000, 'x'));
    std::string bytes;
    publish.finish(PacketType::publish, static_cast<std::uint8_t>(qos << 1), bytes);
    const std::size_t head = 3 + 2 + 7 + (qos == 0 ? 0 : 2);
    bool bad = false;
    for (std::size_t size = 0; size < head; ++size) {
      std::string_view rest = std::string_view(bytes).substr(0, size);
      EXPECT_FALSE(take_head(rest, bad)) << size;
      EXPECT_FALSE(bad);
    }
    std::string_view rest = std::string_view(bytes).substr(0, head + 9);
    const auto packet = take_head(rest, bad);
    ASSERT_TRUE(packet && !bad);
    EXPECT_EQ(rest, "xxxxxxxxx");
    EXPECT_EQ(packet->beyond, 5'000U);
    const auto incoming = read_publish(*packet, false);
    ASSERT_TRUE(incoming);
    EXPECT_EQ(incoming->message.topic, "plant/7");
    EXPECT_EQ(incoming->id, qos == 0 ? 0 : 77);
  }
  const auto is_bad = [](std::string_view bytes) {
    bool bad = false;
    return !take_head(bytes, bad) && bad;
  };
  EXPECT_TRUE(is_bad(std::string_view("\x20\xff\x7f\0\0", 5)));
  EXPECT_TRUE(is_bad(std::string_view("\x32\x04\0\1a\0", 6)));
}

// Claim:  lengths beyond the limit, lengths that never end, unknown properties, and a QoS of 3 are refused.
// Method: one of each.
TEST(MqttPacket, NonsenseIsRefused) {
  const auto is_bad = [](std::string_view bytes) {
    bool bad = false;
    return !take_packet(bytes, 1'000, bad) && bad;
  };
  EXPECT_TRUE(is_bad(std::string_view("\x30\xff\xff\xff\xff", 5)));
  EXPECT_TRUE(is_bad(std::string_view("\x30\xff\x7f", 3)));
  EXPECT_FALSE(is_bad(std::string_view("\x30\xe8\x07", 3)));  // a thousand bytes: not there yet
  const auto read = [](std::uint8_t flags, std::string_view body) {
    return read_publish({PacketType::publish, flags, body}, true).has_value();
  };
  EXPECT_TRUE(read(0, std::string_view("\0\1a\0", 4)));
  EXPECT_TRUE(read(4, std::string_view("\0\1a\0\1\0", 6)));
  EXPECT_FALSE(read(6, std::string_view("\0\1a\0\1\0", 6)));            // QoS 3
  EXPECT_FALSE(read(2, std::string_view("\0\1a\0\0\0", 6)));            // a packet id of 0
  EXPECT_FALSE(read(0, std::string_view("\0\1a\2\x7f\0", 6)));          // an unknown property
  EXPECT_FALSE(read(0, std::string_view("\0\1a\3\x26\0\1", 7)));        // a property cut short
  EXPECT_FALSE(read(0, std::string_view("\0\1a\x80\x80\x80\x80", 7)));  // a length that never ends
}

}  // namespace
}  // namespace headrace::mqtt
