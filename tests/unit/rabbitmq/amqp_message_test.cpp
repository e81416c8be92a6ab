#include "amqp_message.hpp"

#include <gtest/gtest.h>

#include <string>

namespace headrace::rabbitmq {
namespace {

using Headers = decltype(Message::headers);

Headers there_and_back(const Headers& headers, const amqp_basic_properties_t* properties = nullptr) {
  Message message;
  message.headers = headers;
  OutgoingProperties outgoing;
  amqp_message_t on_the_wire{};
  on_the_wire.properties = properties == nullptr ? outgoing.of(message, {}) : *properties;
  return to_incoming(amqp_cstring_bytes("a"), on_the_wire).message.headers;
}

// Claim:  the ids that another program gave a message in AMQP's own fields are headers, and headers of these names go out in
//         the fields, so that they come back the same; what a field has no room for, or is empty, stays a header.
// Method: a message with both fields; headers there and back, and what the fields hold.
TEST(RabbitMessage, IdsAreHeadersAndFields) {
  amqp_basic_properties_t foreign{};
  foreign._flags = AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG;
  foreign.message_id = amqp_cstring_bytes("order-7");
  foreign.correlation_id = amqp_cstring_bytes("\x01\x02");
  const Headers named{{"message-id", "order-7"}, {"correlation-id", "0102"}};
  EXPECT_EQ(there_and_back({}, &foreign), named);
  EXPECT_EQ(there_and_back(named), named);
  const Headers odd{{"message-id", std::string(256, 'x')}, {"correlation-id", ""}};
  EXPECT_EQ(there_and_back(odd), odd);
  Message message;
  message.headers = named;
  OutgoingProperties outgoing;
  const amqp_basic_properties_t& out = outgoing.of(message, {});
  EXPECT_EQ(out._flags & foreign._flags, foreign._flags);
  EXPECT_EQ(out._flags & AMQP_BASIC_HEADERS_FLAG, 0U);
  EXPECT_EQ(std::string(static_cast<const char*>(out.message_id.bytes), out.message_id.len), "order-7");
}

}  // namespace
}  // namespace headrace::rabbitmq
