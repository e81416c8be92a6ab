#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"
#include "headrace/port/backoff.hpp"
#include "headrace/port/health.hpp"
#include "headrace/port/message.hpp"

namespace headrace::mqtt {

enum class MqttVersion : std::uint8_t { v311, v5 };
enum class Qos : std::uint8_t {
  at_most_once,  ///< lost with the connection that carries it, and while nobody takes it
  at_least_once,
  exactly_once,  ///< between this end and the broker, while both remember the session: see MqttSink and MqttSource
};

/// "true": the broker kept the message, or is to keep it, as the last of its topic for later subscribers. A source sets
/// the header, and takes one that a publisher set off; a sink turns it into MQTT's flag.
inline constexpr std::string_view kRetainedHeader = "mqtt-retained";

/// Whether the message has that header.
[[nodiscard]] bool is_retained(const Message& message);

/// For mqtts:// URLs. TLS 1.2 or later; the broker's certificate is always verified, its chain and its name. The files are
/// read at each connection.
struct MqttTls {
  std::string ca_file = "/etc/ssl/certs/ca-certificates.crt";  ///< PEM: whom to trust; Debian's own list
  std::string certificate_file = {};                           ///< PEM, with its chain: who we are; empty: nobody
  std::string key_file = {};                                   ///< PEM; of the certificate
  std::string server_name = {};                                ///< whom to expect; empty: the URL's host
};

/// What the broker publishes for us when the connection ends without a goodbye: not when the end was stopped.
struct MqttWill {
  std::string topic;
  std::string body = {};  ///< any bytes, at most 65,535
  Qos qos = Qos::at_least_once;
  bool retained = false;
  /// MQTT 5: so long the broker waits for us to come back before it does, at most until our session ends. A sink's
  /// session is kept so long for this.
  std::chrono::seconds delay{0};
};

/// How to reach a broker. The password comes from the first of: the URL, the file, the environment's variable. It
/// is in no message of this adapter.
struct MqttOptions {
  std::string url = "mqtt://127.0.0.1:1883";  ///< mqtt[s]://[USER:PASSWORD@]HOST[:PORT]
  std::string client_id = {};  ///< unlike every other's at the broker; names the session of a source
  MqttVersion version = MqttVersion::v5;
  std::string password_file = {};  ///< its first line
  std::string password_variable = {};
  MqttTls tls = {};
  std::optional<MqttWill> will = {};
  std::chrono::seconds keep_alive{30};  ///< a peer that is silent for half as long again is gone
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds answer_timeout{5'000};  ///< to a connect, and to a subscription
  /// Told to a broker of MQTT 5, whose larger packets end the connection. Larger messages of a broker of 3.1.1 a source
  /// reads over (MqttSource). 256 KiB to 256 MiB - 1.
  std::size_t packet_bytes_max = std::size_t{16} << 20;
  Backoff::Options backoff = {};
  std::chrono::milliseconds down_after{30'000};  ///< without a connection: health says `down`, and attempts go on
  HealthBoard::Changed on_health = nullptr;
};

/// A URL taken apart.
struct MqttAddress {
  std::string host;
  std::uint16_t port = 1883;  ///< 8883 with TLS
  bool tls = false;
  std::string user;
  std::string password;

  [[nodiscard]] static Result<MqttAddress> of(const MqttOptions& options);
  /// Without user and password: for messages.
  [[nodiscard]] std::string text() const;
};

}  // namespace headrace::mqtt
