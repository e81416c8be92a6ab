#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "headrace/port/backoff.hpp"
#include "headrace/port/health.hpp"

namespace headrace::mqtt {

enum class MqttVersion : std::uint8_t { v311, v5 };
enum class Qos : std::uint8_t { at_most_once, at_least_once, exactly_once };

/// How to reach a broker. The password comes from the first of: `password`, the file, the environment's variable.
/// It is in no message of this adapter.
struct MqttOptions {
  std::string url = "tcp://127.0.0.1:1883";  ///< tcp://HOST:PORT, or ssl://HOST:PORT
  std::string client_id;                     ///< unlike every other's at the broker; the session's name
  MqttVersion version = MqttVersion::v5;
  std::string user = {};
  std::string password = {};
  std::string password_file = {};  ///< its first line
  std::string password_variable = {};
  /// For ssl://. The server's certificate and name are always verified.
  std::string ca_file = {};           ///< empty: the system's authorities
  std::string certificate_file = {};  ///< the client's own; with its key
  std::string key_file = {};
  std::chrono::seconds keep_alive{60};
  std::chrono::seconds connect_timeout{5};
  Backoff::Options backoff = {};
  HealthBoard::Changed on_health = nullptr;
};

}  // namespace headrace::mqtt
