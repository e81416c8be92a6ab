#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"
#include "headrace/redis/redis_options.hpp"

namespace headrace::redis {

/// The bytes of a connected socket, as they are or under TLS. The socket's own timeouts end each wait. After an error
/// it is broken. @thread one
class Line {
 public:
  /// `fd` stays its owner's.
  Line(int fd, std::string where) : fd_(fd), where_(std::move(where)) {}
  /// Whether the files are there and fit each other.
  [[nodiscard]] static Status check(const RedisTls& tls);
  /// The handshake. An error that no retry helps is one of certificates.
  [[nodiscard]] Status secure(const std::string& host, const RedisTls& tls);

  [[nodiscard]] Status send(std::string_view bytes);
  /// How many bytes came, at least one.
  [[nodiscard]] Result<std::size_t> receive(std::span<char> room);

 private:
  struct Free {
    void operator()(SSL* ssl) const noexcept;
    void operator()(SSL_CTX* context) const noexcept;
  };
  using Context = std::unique_ptr<SSL_CTX, Free>;

  [[nodiscard]] static Result<Context> context_of(const RedisTls& tls);
  [[nodiscard]] Status expect(const std::string& name);
  [[nodiscard]] Error broken() const;
  [[nodiscard]] Error tls_error(int result) const;

  int fd_;
  std::string where_;
  std::unique_ptr<SSL, Free> ssl_;
};

}  // namespace headrace::redis
