#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "headrace/base/result.hpp"
#include "headrace/port/backoff.hpp"
#include "headrace/port/health.hpp"

namespace headrace::redis {

/// How to reach a server. The password comes from the first of: the URL, the file, the environment's variable. It
/// is in no message of this adapter.
struct RedisOptions {
  std::string url = "redis://127.0.0.1:6379";  ///< redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]
  std::string password_file = {};              ///< its first line
  std::string password_variable = {};
  std::chrono::milliseconds connect_timeout{2'000};
  std::chrono::milliseconds command_timeout{5'000};  ///< then the connection counts as broken
  Backoff::Options backoff = {};
  HealthBoard::Changed on_health = nullptr;
};

/// A URL taken apart. TLS (rediss://) is refused: hiredis 0.14 has none, and nothing goes out in clear text
/// unasked.
struct RedisAddress {
  std::string host;
  std::uint16_t port = 6379;
  std::string user;
  std::string password;
  unsigned database = 0;

  [[nodiscard]] static Result<RedisAddress> of(const RedisOptions& options);
  /// Without user and password: for messages.
  [[nodiscard]] std::string text() const;
};

}  // namespace headrace::redis
