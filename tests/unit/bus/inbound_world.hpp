#pragma once

#include <cstdint>
#include <string>

#include "headrace/base/result.hpp"
#include "headrace/event/envelope.hpp"
#include "headrace/port/message.hpp"

namespace headrace::test {

/// Events as messages: the id and the version are headers, everything else is the message's own.
inline Message inbound_message_of(const EncodedEvent& event) {
  Message message;
  message.topic = event.envelope.topic;
  message.content_type = event.content_type;
  message.headers = {{"id", event.envelope.id.to_string()}, {"version", std::to_string(event.envelope.version)}};
  message.body = event.body;
  return message;
}
inline Result<EncodedEvent> inbound_event_of(const Message& message) {
  if (message.headers.size() != 2) return Error{"no event", {}};
  EncodedEvent event;
  event.envelope.topic = message.topic;
  event.envelope.id = *EventId::parse(message.headers[0].second);
  event.envelope.version = static_cast<std::uint32_t>(std::stoul(message.headers[1].second));
  event.content_type = message.content_type;
  event.body = message.body;
  return event;
}

}  // namespace headrace::test
