#pragma once

#include <chrono>

#include "headrace/mqtt/mqtt_options.hpp"
#include "headrace/port/buffered_sink.hpp"

namespace headrace::mqtt {

struct MqttSinkOptions {
  MqttOptions broker = {};
  SendBuffer::Limits buffer = {};  ///< a broker of MQTT 5 may set a smaller window
  bool retained = false;           ///< every message, and not only those with kRetainedHeader
  Qos qos = Qos::at_least_once;    ///< or exactly_once
  /// QoS 2: so long the broker remembers what it has while the sink is away. With MQTT 3.1.1 as long as it likes.
  std::chrono::seconds session_expiry{3600};
  /// MQTT 5: topics that a number may stand for on the way out; the broker may want fewer.
  std::uint16_t topic_aliases_max = 1'000;
};

/// Sink to MQTT topics: a message is done when the broker has acknowledged it. Headers travel as user properties, and
/// the key as one called `headrace-key`; MQTT 3.1.1 has none, and a message with headers, a key or a content type is
/// refused.
///
/// QoS 1:    after a broken connection what has no answer is sent again, marked: at least once.
/// QoS 2:    a message is done when the broker says that it is complete (PUBCOMP). After a broken connection, in the
///           broker's same session: what it has not said to have (no PUBREC) is sent again under the same packet id, by
///           which the broker knows it if it has it; of what it has, only the release of the id is sent again (PUBREL).
///           So the broker takes each message exactly once. Not so when it has lost the session, by its expiry or with
///           its disk, or says that the session is over its quota, as mosquitto may once it was killed: then all that is not complete is sent anew, marked, rather twice than never. A sink begins
///           and ends its session with start() and stop(): what was not complete then is answered with an error, and
///           who sends it again may send a copy. Nothing is said of the way from the broker to a receiver, whose own
///           QoS counts there.
///
/// Errors:   what a broker would end the connection for is not sent but answered with an error that no retry helps:
///           a topic that no publisher may name, what is larger than the broker allows, and a topic, key, content
///           type or header that is not UTF-8 or holds a control character, NUL, or a code point that is no character.
class MqttSink final : public BufferedSink {
 public:
  explicit MqttSink(MqttSinkOptions options);

 private:
  class Writer;
};

}  // namespace headrace::mqtt
