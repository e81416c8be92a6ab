#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "headrace/mqtt/mqtt_options.hpp"
#include "headrace/port/source.hpp"

namespace headrace::mqtt {

struct MqttSourceOptions {
  MqttOptions broker = {};
  std::vector<std::string> filters;  ///< `$share/GROUP/FILTER` shares the messages among the sources of a group
  Qos qos = Qos::at_least_once;
  std::size_t unsettled_max = 1'000;  ///< MQTT 5: the receive maximum that the broker is told
  /// What may wait here of QoS 0 while nobody takes it; further messages are lost.
  std::size_t held_messages_max = 100'000;
  std::size_t held_bytes_max = std::size_t{64} << 20;
  std::chrono::seconds session_expiry{24 * 3600};  ///< MQTT 5: how long the broker keeps messages for us
};

/// Source of MQTT topics, with a session that the broker keeps under the client's id. A message is acknowledged
/// when its outcome is known, and, as MQTT wants it, in the order in which messages came: one that takes long
/// holds back the acknowledgements of those behind it, and after a broken connection they all come again.
///
/// Retry:  MQTT has none, so the source keeps each unsettled message and delivers it again itself, at once.
/// Reject: MQTT has no dead letters: it acknowledges, and what becomes of the message is the bus's affair.
/// Qos:    0 and 1. A subscription with 1 gets messages that were published with 2 as 1.
class MqttSource final : public Source {
 public:
  explicit MqttSource(MqttSourceOptions options);
  ~MqttSource() override;

  [[nodiscard]] Status start(Deliver deliver) override;
  void pause() override;
  void resume() override;
  std::size_t stop(std::chrono::milliseconds deadline) override;
  [[nodiscard]] Health health() const override;
  [[nodiscard]] Capabilities capabilities() const override;

 private:
  class Receiver;
  std::unique_ptr<Receiver> receiver_;
};

}  // namespace headrace::mqtt
