#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"
#include "headrace/port/message.hpp"
#include "proton.hpp"

namespace headrace::servicebus {

/// What the message-ids begin with that this adapter makes up, which say nothing to a receiver.
inline constexpr std::string_view kOwnIdPrefix = "headrace-";
inline constexpr std::size_t kMessageBytesMax = std::size_t{100} << 20;  ///< Service Bus has none larger

/// Whether AMQP can say the message's topic, key, content type and headers.
[[nodiscard]] bool is_carried(const Message& message);

/// Makes messages of Service Bus from messages of ports: the topic is the subject, the key the session, headers are
/// application properties. @thread one
class MessageWriter {
 public:
  struct Marks {
    std::string_view id;       ///< by which the broker finds duplicates, when the message names no other
    bool again = false;        ///< it may have been sent before
    std::uint32_t ttl_ms = 0;  ///< 0: as the entity has it
  };
  /// Its bytes, valid until the next call. An error is one of a header that this adapter reads.
  [[nodiscard]] Result<std::string_view> of(const Message& message, const Marks& marks);

 private:
  [[nodiscard]] Status write_headers(const Message& message, const Marks& marks);
  const MessagePtr message_{pn_message()};
  std::string bytes_;
};

/// A message as Service Bus delivers it.
struct IncomingMessage {
  Message message;
  unsigned deliveries_before = 0;    ///< that failed
  bool sent_before = false;          ///< its sink marked it
  std::int64_t sequence_number = 0;  ///< the broker's; 0: it does not say
  std::int64_t locked_until_ms = 0;  ///< since 1970, by the broker's clock; 0: it does not say
};

/// @thread one
class MessageReader {
 public:
  explicit MessageReader(std::string_view entity) : entity_(entity) {}
  /// Nothing for what is no AMQP message, or has a body that is no bytes and no text.
  [[nodiscard]] std::optional<IncomingMessage> of(std::string_view bytes);

 private:
  const std::string entity_;  ///< the topic of a message without a subject
  const MessagePtr message_{pn_message()};
};

}  // namespace headrace::servicebus
