#include "amqp_message.hpp"

#include <gtest/gtest.h>

#include <span>
#include <string_view>
#include <vector>

#include "headrace/servicebus/message_headers.hpp"
#include "lock_renewal.hpp"

namespace headrace::servicebus {
namespace {

Message full_message() {
  Message message;
  message.topic = "orders.placed";
  message.key = "customer 7";
  message.content_type = "application/json";
  message.headers = {{"ce-id", "1"}, {"Zürich", std::string("nul\0 in it", 9)}};
  message.body.assign(300, std::byte{0xfe});
  return message;
}

/// What others put into a message, which ours would not.
std::string foreign_message(const std::function<void(pn_message_t*)>& fill) {
  const MessagePtr message(pn_message());
  fill(message.get());
  std::string bytes;
  encode(message.get(), bytes);
  return bytes;
}

// Claim:  a message comes back as it went out, and one without a subject has its queue's name for a topic.
// Method: one with everything; one of nothing but a body, which is empty.
TEST(ServiceBusMessage, ComesBackAsItWentOut) {
  MessageWriter writer;
  MessageReader reader("queue");
  const auto bytes = writer.of(full_message(), {.id = "headrace-1"});
  ASSERT_TRUE(bytes);
  const auto back = reader.of(*bytes);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->message, full_message());
  EXPECT_EQ(back->deliveries_before, 0U);
  EXPECT_FALSE(back->sent_before);
  const auto again = reader.of(*writer.of(Message{}, {.id = "headrace-2", .again = true}));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->message.topic, "queue");
  EXPECT_TRUE(again->message.body.empty());
  EXPECT_TRUE(again->message.headers.empty());
  EXPECT_TRUE(again->sent_before);
}

// Claim:  two headers become properties of Service Bus and travel as such only; of a name that repeats, the last
//         counts; what they cannot be is an error.
// Method: the written message, decoded by proton; wrong values.
TEST(ServiceBusMessage, HeadersBecomeProperties) {
  MessageWriter writer;
  Message message = full_message();
  message.headers = {{std::string(kMessageIdHeader), "mine"}, {"twice", "1"}, {"twice", "2"}};
  schedule(message, std::chrono::system_clock::time_point(std::chrono::milliseconds(1'700'000'000'123)));
  const auto bytes = writer.of(message, {.id = "generated", .ttl_ms = 5'000});
  ASSERT_TRUE(bytes);
  const MessagePtr out(pn_message());
  ASSERT_EQ(pn_message_decode(out.get(), bytes->data(), bytes->size()), 0);
  EXPECT_EQ(text_of(pn_message_get_id(out.get()).u.as_bytes), "mine");
  EXPECT_EQ(pn_message_get_ttl(out.get()), 5'000U);
  EXPECT_TRUE(pn_message_is_inferred(out.get())) << "the body must be data, not a value";
  std::int64_t when = 0;
  each_entry(pn_message_annotations(out.get()), [&](std::string_view name, pn_data_t* value) {
    if (name == "x-opt-scheduled-enqueue-time") when = number_at(value).value_or(0);
  });
  EXPECT_EQ(when, 1'700'000'000'123);
  EXPECT_EQ(MessageReader("q").of(*bytes)->message.headers,
            (decltype(message.headers){{"twice", "2"}, {"message-id", "mine"}}));

  message.headers = {{std::string(kEnqueueTimeHeader), "tomorrow"}};
  EXPECT_FALSE(writer.of(message, {.id = "headrace-1"}));
  message.headers = {{std::string(kMessageIdHeader), std::string(129, 'x')}};
  EXPECT_FALSE(writer.of(message, {.id = "headrace-1"}));
}

// Claim:  what AMQP or Service Bus could not carry whole is refused before it is taken.
// Method: NULs where texts end at them, a session id that is too long, headers beyond the limit, a type that is no
//         symbol.
TEST(ServiceBusMessage, WhatCannotTravelIsSeenBefore) {
  EXPECT_TRUE(is_carried(full_message()));
  for (const auto& spoil : std::initializer_list<void (*)(Message&)>{
           [](Message& message) { message.topic = std::string("a\0b", 3); },
           [](Message& message) { message.key = std::string("a\0b", 3); },
           [](Message& message) { message.key = std::string(129, 'k'); },
           [](Message& message) { message.content_type = "text/zürich"; },
           [](Message& message) { message.headers.emplace_back("big", std::string(61'440, 'x')); }}) {
    Message message = full_message();
    spoil(message);
    EXPECT_FALSE(is_carried(message));
  }
}

// Claim:  a body of several data sections is read whole, and bytes that are a value are read as such.
// Method: two sections and a value, written byte by byte as AMQP 1.0 has them.
TEST(ServiceBusMessage, AllSectionsOfABodyAreRead) {
  using std::string_view_literals::operator""sv;
  MessageReader reader("q");
  const auto two = reader.of(
      "\x00\x53\x75\xa0\x05"
      "first"
      "\x00\x53\x75\xa0\x06"
      "second"sv);
  ASSERT_TRUE(two);
  const auto bytes_of_text = [](std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return std::vector(bytes.begin(), bytes.end());
  };
  EXPECT_EQ(two->message.body, bytes_of_text("firstsecond"));
  const auto value = reader.of(
      "\x00\x53\x77\xa0\x05"
      "value"sv);
  ASSERT_TRUE(value);
  EXPECT_EQ(value->message.body, bytes_of_text("value"));
}

// Claim:  ids that another program gave a message are headers, of each kind that AMQP has, but for a message that has headers
//         of these names; ids that this adapter made up are none.
// Method: one of each.
TEST(ServiceBusMessage, IdsOfOtherProgramsAreHeaders) {
  using Headers = decltype(Message::headers);
  MessageReader reader("q");
  const auto headers_of = [&](pn_msgid_t id, pn_msgid_t correlation) {
    const auto read = reader.of(foreign_message([&](pn_message_t* message) {
      pn_message_set_id(message, id);
      pn_message_set_correlation_id(message, correlation);
      pn_data_put_binary(pn_message_body(message), bytes_of("x"));
    }));
    return read ? read->message.headers : Headers{{"not", "read"}};
  };
  const auto text = [](std::string_view id) { return pn_msgid_t{PN_STRING, {.as_bytes = bytes_of(id)}}; };
  EXPECT_EQ(headers_of(text("order-7"), {PN_ULONG, {.as_ulong = 42}}),
            (Headers{{"message-id", "order-7"}, {"correlation-id", "42"}}));
  pn_msgid_t uuid{PN_UUID, {.as_ulong = 0}};
  for (int i = 0; i < 16; ++i) uuid.u.as_uuid.bytes[i] = static_cast<char>(i * 0x11);
  EXPECT_EQ(headers_of(uuid, {PN_BINARY, {.as_bytes = bytes_of("\x01\xff")}}),
            (Headers{{"message-id", "00112233-4455-6677-8899-aabbccddeeff"}, {"correlation-id", "01ff"}}));
  EXPECT_EQ(headers_of(text(std::string(kOwnIdPrefix) + "1"), {PN_NULL, {.as_ulong = 0}}), Headers{});
  Message named = full_message();
  named.headers = {{"message-id", "its own"}, {std::string(kMessageIdHeader), "other"}};
  EXPECT_EQ(reader.of(*MessageWriter().of(named, {.id = "headrace-1"}))->message.headers,
            (Headers{{"message-id", "its own"}}));
}

// Claim:  messages of other clients are read: typed properties as text, a text as body, counts and times; what has no
//         bytes is refused.
// Method: messages that proton makes; a body that is a map; bytes that are no message.
TEST(ServiceBusMessage, ForeignMessagesAreRead) {
  MessageReader reader("q");
  const auto typed = reader.of(foreign_message([](pn_message_t* message) {
    pn_message_set_delivery_count(message, 3);
    pn_data_t* const properties = pn_message_properties(message);
    pn_data_put_map(properties);
    pn_data_enter(properties);
    pn_data_put_string(properties, bytes_of("whole"));
    pn_data_put_long(properties, -7);
    pn_data_put_string(properties, bytes_of("truth"));
    pn_data_put_bool(properties, true);
    pn_data_put_string(properties, bytes_of("list"));
    pn_data_put_list(properties);
    pn_data_put_string(properties, bytes_of("last"));
    pn_data_put_string(properties, bytes_of("x"));
    pn_data_exit(properties);
    pn_data_t* const annotations = pn_message_annotations(message);
    pn_data_put_map(annotations);
    pn_data_enter(annotations);
    pn_data_put_symbol(annotations, bytes_of("x-opt-locked-until"));
    pn_data_put_timestamp(annotations, 99);
    pn_data_exit(annotations);
    pn_data_put_string(pn_message_body(message), bytes_of("text"));
  }));
  ASSERT_TRUE(typed);
  EXPECT_EQ(typed->deliveries_before, 3U);
  EXPECT_EQ(typed->locked_until_ms, 99);
  EXPECT_EQ(typed->message.headers,
            (decltype(Message::headers){{"whole", "-7"}, {"truth", "true"}, {"last", "x"}}));
  EXPECT_EQ(typed->message.body.size(), 4U);
  EXPECT_FALSE(
      reader.of(foreign_message([](pn_message_t* message) { pn_data_put_map(pn_message_body(message)); })));
  EXPECT_FALSE(reader.of("no message"));
}

// Claim:  a lock token is turned round as .NET's GUIDs are.
// Method: sixteen different bytes.
TEST(ServiceBusLock, TokenBecomesTheUuidOfDotNet) {
  const LockToken token{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const pn_uuid_t uuid = uuid_of(token);
  const std::string_view bytes(uuid.bytes, sizeof uuid.bytes);
  EXPECT_EQ(bytes, (std::string_view("\3\2\1\0\5\4\7\6\10\11\12\13\14\15\16\17", 16)));
}

}  // namespace
}  // namespace headrace::servicebus
