#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "headrace/base/result.hpp"
#include "headrace/port/backoff.hpp"
#include "headrace/port/health.hpp"

namespace headrace::redis {

/// For rediss:// URLs. TLS 1.2 or later; the server's certificate is always verified, its chain and its name. The files
/// are read at each connection.
struct RedisTls {
  std::string ca_file = "/etc/ssl/certs/ca-certificates.crt";  ///< PEM: whom to trust; Debian's own list
  std::string certificate_file = {};                           ///< PEM, with its chain: who we are; empty: nobody
  std::string key_file = {};                                   ///< PEM; of the certificate
  std::string server_name = {};                                ///< whom to expect; empty: the URL's host
};

/// How to reach a server. The password comes from the first of: the URL, the file, the environment's variable. It
/// is in no message of this adapter.
struct RedisOptions {
  std::string url = "redis://127.0.0.1:6379";  ///< redis[s]://[USER:PASSWORD@]HOST[:PORT][/DATABASE]
  std::string password_file = {};              ///< its first line
  std::string password_variable = {};
  RedisTls tls = {};
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds command_timeout{5'000};  ///< then the connection counts as broken
  Backoff::Options backoff = {};
  std::chrono::milliseconds down_after{30'000};  ///< without a connection: health says `down`, and attempts go on
  HealthBoard::Changed on_health = nullptr;
};

/// A URL taken apart.
struct RedisAddress {
  std::string host;
  std::uint16_t port = 6379;
  bool tls = false;
  std::string user;
  std::string password;
  unsigned database = 0;

  /// Looks at the files of TLS, too, where the URL asks for it.
  [[nodiscard]] static Result<RedisAddress> of(const RedisOptions& options);
  /// Without user and password: for messages.
  [[nodiscard]] std::string text() const;
};

}  // namespace headrace::redis
