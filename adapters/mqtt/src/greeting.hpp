#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/mqtt/mqtt_options.hpp"
#include "packet.hpp"

namespace headrace::mqtt {

/// What an end of this adapter says when it connects.
struct Greeting {
  bool begins_anew =
      true;  ///< the broker forgets what it has of an earlier session, and with MQTT 3.1.1 of this one
  std::uint32_t session_expiry_s = 0;
  std::uint16_t receive_maximum = 0;      ///< 0: not said
  std::uint16_t topic_alias_maximum = 0;  ///< 0: none
};

/// What the broker allows.
struct BrokerLimits {
  std::uint16_t receive_maximum = 65'535;
  std::uint32_t packet_bytes_max = 268'435'460;  ///< more than that MQTT cannot say
  std::uint16_t topic_alias_maximum = 0;
  std::uint8_t qos_maximum = 2;
  bool retain_available = true;
};

/// The broker's answer.
struct Welcome {
  unsigned reason = 0;  ///< 0: welcome
  bool session_present = false;
  BrokerLimits limits = {};
  std::optional<std::chrono::seconds> keep_alive;  ///< in place of ours
};

void append_connect(const MqttAddress& address, const MqttOptions& options, const Greeting& greeting,
                    std::string& out);
/// Nothing for an answer that cannot be read.
[[nodiscard]] std::optional<Welcome> read_connack(std::string_view body, bool v5);
/// With `ends_session` the broker of MQTT 5 forgets the session at once.
void append_disconnect(bool ends_session, std::string& out);
/// What keeps a broker from taking it; empty if nothing does.
[[nodiscard]] std::string fault_of(const MqttWill& will, MqttVersion version);

}  // namespace headrace::mqtt
