#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "headrace/base/result.hpp"
#include "headrace/port/backoff.hpp"
#include "headrace/port/health.hpp"
#include "headrace/servicebus/connection_string.hpp"

namespace headrace::servicebus {

/// How a connection shows that it may use an entity.
enum class Login : std::uint8_t {
  token,  ///< signed with the key, put to the namespace's $cbs node, and renewed
  plain,  ///< the key's name and the key as user and password, by SASL PLAIN (Debian: libsasl2-modules)
};

/// How to reach a namespace. The connection string comes from the first of: itself, the file, the environment's
/// variable; its key is in no message of this adapter.
struct ServiceBusOptions {
  std::string connection_string = {};
  std::string connection_string_file = {};  ///< its first line
  std::string connection_string_variable = {};
  Login login = Login::token;
  /// PEM: whom to trust; Debian's own list. TLS 1.2 or later, and chain and name are always verified: an emulator that
  /// cannot has UseDevelopmentEmulator=true, which is plain AMQP.
  std::string ca_file = "/etc/ssl/certs/ca-certificates.crt";
  std::string connection_name = "headrace";  ///< how the server's diagnostics call it
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds answer_timeout{
      10'000};                             ///< for what the server must answer; then the connection is broken
  std::chrono::seconds heartbeat{30};      ///< a peer that is silent for two of them is gone; 0: never
  std::chrono::seconds token_life{3'600};  ///< a token is renewed at half of it
  Backoff::Options backoff = {};
  std::chrono::milliseconds down_after{30'000};  ///< without a connection: health says `down`, and attempts go on
  HealthBoard::Changed on_health = nullptr;
};

/// Where to connect, to which entity, and as whom.
struct ServiceBusAddress {
  ConnectionString login;
  std::string entity;  ///< a queue, a topic, TOPIC/Subscriptions/NAME
  std::uint16_t port = 5671;
  bool tls = true;

  /// `entity` may be empty where the connection string names one, and must not contradict it.
  [[nodiscard]] static Result<ServiceBusAddress> of(const ServiceBusOptions& options, const std::string& entity);
  /// Without key and token: for messages.
  [[nodiscard]] std::string text() const;
};

}  // namespace headrace::servicebus
