#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "headrace/base/result.hpp"
#include "headrace/port/backoff.hpp"
#include "headrace/port/health.hpp"

namespace headrace::rabbitmq {

/// Which checks a TLS connection must pass.
enum class TlsVerify : std::uint8_t {
  chain_and_name,  ///< a certificate that the CA signed, for the host of the URL
  chain,           ///< a certificate that the CA signed, for whatever name
  nothing,         ///< encrypted, with nobody knows whom
};

/// For amqps:// URLs. TLS 1.2 or later.
struct RabbitTls {
  std::string ca_file = "/etc/ssl/certs/ca-certificates.crt";  ///< PEM: whom to trust; Debian's own list
  std::string certificate_file = {};                           ///< PEM, with its chain: who we are; empty: nobody
  std::string key_file = {};                                   ///< PEM; of the certificate
  TlsVerify verify = TlsVerify::chain_and_name;
};

/// How to reach a server. The password comes from the first of: the URL, the file, the environment's variable;
/// guest's is `guest`, as RabbitMQ has it, which serves on the loopback only. It is in no message of this adapter.
struct RabbitOptions {
  std::string url = "amqp://127.0.0.1:5672";  ///< amqp[s]://[USER:PASSWORD@]HOST[:PORT][/VHOST]
  std::string password_file = {};             ///< its first line
  std::string password_variable = {};
  RabbitTls tls = {};
  std::string connection_name = "headrace";  ///< how the server's own tools call it
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds answer_timeout{
      5'000};                          ///< for what the server must answer; then the connection is broken
  std::chrono::seconds heartbeat{10};  ///< a peer that is silent for two of them is gone; 0: never
  Backoff::Options backoff = {};
  std::chrono::milliseconds down_after{30'000};  ///< without a connection: health says `down`, and attempts go on
  HealthBoard::Changed on_health = nullptr;
};

/// A URL taken apart.
struct RabbitAddress {
  std::string host;
  std::uint16_t port = 5672;
  std::string user = "guest";
  std::string password;
  std::string vhost = "/";
  bool tls = false;

  [[nodiscard]] static Result<RabbitAddress> of(const RabbitOptions& options);
  /// Without user and password: for messages.
  [[nodiscard]] std::string text() const;
};

}  // namespace headrace::rabbitmq
