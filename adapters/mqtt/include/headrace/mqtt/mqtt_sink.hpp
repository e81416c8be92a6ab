#pragma once

#include <chrono>
#include <memory>

#include "headrace/mqtt/mqtt_options.hpp"
#include "headrace/port/send_buffer.hpp"
#include "headrace/port/sink.hpp"

namespace headrace::mqtt {

struct MqttSinkOptions {
  MqttOptions broker = {};
  SendBuffer::Limits buffer = {.window = 20};  ///< a broker of MQTT 5 may set a smaller window
  Qos qos = Qos::at_least_once;                ///< at_most_once is confirmed when it was written to the socket
  bool retained = false;
};

/// Sink to MQTT topics. Headers travel as user properties (MQTT 5; MQTT 3.1.1 has none, and a message with headers
/// or a content type is refused). A topic that no publisher may name is refused through its Confirm.
class MqttSink final : public Sink {
 public:
  explicit MqttSink(MqttSinkOptions options);
  ~MqttSink() override;

  [[nodiscard]] Status start() override;
  [[nodiscard]] SendResult send(Message&& message, Confirm confirm) override;
  [[nodiscard]] bool wait_for_room(std::chrono::milliseconds deadline) override;
  std::size_t stop(std::chrono::milliseconds deadline) override;
  [[nodiscard]] Health health() const override;
  [[nodiscard]] Capabilities capabilities() const override;

 private:
  class Sender;
  std::unique_ptr<Sender> sender_;
};

}  // namespace headrace::mqtt
