#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/event/envelope.hpp"
#include "headrace/port/message.hpp"
#include "headrace/wire/codec_limits.hpp"

namespace headrace::wire {

/// Where a message's attributes stand, by the CloudEvents protocol bindings.
enum class CloudEventsBinding : std::uint8_t {
  http,     ///< headers `ce-NAME`, percent-encoded
  amqp,     ///< application properties `cloudEvents_NAME`; `cloudEvents:NAME` is read as well
  mqtt5,    ///< user properties `NAME`
  mqtt311,  ///< there are none: structured mode only
};

enum class CloudEventsMode : std::uint8_t {
  binary,      ///< the body is the event's, attributes are headers
  structured,  ///< the body is one JSON object that holds both
};

struct CloudEventsOptions {
  CloudEventsBinding binding = CloudEventsBinding::http;
  CloudEventsMode mode = CloudEventsMode::binary;  ///< for writing; reading takes both
  std::string source = "urn:headrace";             ///< a URI reference: who the events of this program come from
  CodecLimits limits = {};
};

/// Events as CloudEvents 1.0, and back. What stands for what:
///
/// | event                      | attribute                                                                   |
/// |----------------------------|-----------------------------------------------------------------------------|
/// | id                         | id. One that is no UUID becomes the UUID v5 of source and id, header `ce-id` |
/// | topic                      | type                                                                        |
/// | key                        | subject                                                                     |
/// | version                    | dataschema, as schema_id(type, version). Another one: header `ce-dataschema` |
/// | time                       | time                                                                        |
/// | content_type               | datacontenttype                                                             |
/// | correlation, causation     | correlationid, causationid                                                  |
/// | tags                       | headracetags, a JSON list                                                   |
/// | headers of lower-case letters and digits (traceparent, …) | extensions of the same name                  |
/// | other and repeated headers | headraceheaders, a JSON list of names and values                            |
/// | header `ce-source`         | source, when it is not the option's                                         |
/// | header `ce-type`           | type, where a mapping gave the event another topic                          |
///
/// So unknown extensions survive a round trip, as text: a JSON extension `5` comes back as `"5"`.
/// Strict: attributes are looked at as the specification words them, limits hold before anything is parsed, and
/// what cannot be written is refused with its place.
/// Threads: any.
class CloudEvents {
 public:
  /// Throws ConfigError for a source that is empty or no URI reference, and for binary mode on MQTT 3.1.1.
  explicit CloudEvents(CloudEventsOptions options);

  [[nodiscard]] Result<Message> write(const EncodedEvent& event) const;
  /// One message of many events, `application/cloudevents-batch+json`; its topic and key are left empty.
  [[nodiscard]] Result<Message> write_batch(std::span<const EncodedEvent> events) const;

  /// The event of a message in either mode, or those of a batch. A message that is no CloudEvent is an error; see
  /// is_cloud_event().
  [[nodiscard]] Result<std::vector<EncodedEvent>> read(const Message& message) const;
  /// The same of a message that holds one event; a batch is an error, whatever its size.
  [[nodiscard]] Result<EncodedEvent> read_one(const Message& message) const;
  /// Whether the message says that it is one; not whether it is a good one.
  [[nodiscard]] bool is_cloud_event(const Message& message) const;

 private:
  CloudEventsOptions options_;
};

/// A message that is no CloudEvent, as it is: topic, key, headers, content type and body. Its id is made of the header
/// `message-id` (kForeignIdHeader) and `source`, by foreign_event_id(), so that copies share it; without the header it is a
/// new one.
[[nodiscard]] EncodedEvent raw_event(const Message& message, std::string_view source = {});
[[nodiscard]] Message raw_message(const EncodedEvent& event);

}  // namespace headrace::wire
