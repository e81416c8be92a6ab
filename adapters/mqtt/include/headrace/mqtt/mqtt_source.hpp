#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "headrace/mqtt/mqtt_options.hpp"
#include "headrace/port/source.hpp"

namespace headrace::mqtt {

[[nodiscard]] Capabilities capabilities(MqttVersion version);

struct MqttSourceOptions {
  MqttOptions broker = {};
  std::vector<std::string> filters;  ///< `$share/GROUP/FILTER` shares the messages among the sources of a group
  Qos qos = Qos::at_least_once;
  std::chrono::seconds session_expiry{24 * 3600};  ///< MQTT 5: how long the broker keeps messages for us
};

/// Source of MQTT topics, with a session that the broker keeps. A message is acknowledged when its outcome is
/// known: the client library acknowledges when its callback returns, so the callback waits for the outcome. So one
/// message is out at a time; for more, several sources share a subscription. A message that waits for longer than
/// one and a half keep-alives costs the connection, and comes again.
///
/// retry delivers the same message again, here. MQTT knows no dead letters: reject acknowledges, and what becomes
/// of the message is the bus's affair.
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
