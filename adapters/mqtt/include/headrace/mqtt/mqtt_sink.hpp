#pragma once

#include <chrono>

#include "headrace/mqtt/mqtt_options.hpp"
#include "headrace/port/buffered_sink.hpp"

namespace headrace::mqtt {

struct MqttSinkOptions {
  MqttOptions broker = {};
  SendBuffer::Limits buffer = {};  ///< a broker of MQTT 5 may set a smaller window
  bool retained = false;           ///< the broker keeps the last message of each topic for later subscribers
};

/// Sink to MQTT topics, with QoS 1: a message is done when the broker has acknowledged it. Headers travel as user
/// properties, and the key as one called `headrace-key`; MQTT 3.1.1 has none, and a message with headers, a key or
/// a content type is refused.
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
