#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "headrace/base/result.hpp"
#include "headrace/mqtt/mqtt_options.hpp"

namespace headrace::mqtt {

/// A connected socket that never blocks, as it is or under TLS. @thread one
class Stream {
 public:
  /// Connects; the handshake of TLS goes on with the first send() and receive(), and so do its errors: one that no retry
  /// helps is one of certificates.
  [[nodiscard]] static Result<Stream> open(const MqttAddress& address, const MqttOptions& options);
  /// Whether the files are there and fit each other.
  [[nodiscard]] static Status check(const MqttTls& tls);

  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&&) = delete;
  ~Stream();

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool is_tls() const noexcept { return ssl_ != nullptr; }
  /// How many bytes went; 0: none for now. Bytes that did not go stand at the front of the next call.
  [[nodiscard]] Result<std::size_t> send(std::span<const char> bytes);
  /// How many bytes came; 0: none for now.
  [[nodiscard]] Result<std::size_t> receive(std::span<char> room);
  /// TLS cannot send before it has received something.
  [[nodiscard]] bool receives_first() const noexcept { return receives_first_; }
  /// Nothing more will be sent.
  void shut_down();

 private:
  struct Free {
    void operator()(SSL* ssl) const noexcept;
    void operator()(SSL_CTX* context) const noexcept;
  };
  using Context = std::unique_ptr<SSL_CTX, Free>;

  Stream(int fd, std::string where) : fd_(fd), where_(std::move(where)) {}
  [[nodiscard]] static Result<Context> context_of(const MqttTls& tls);
  [[nodiscard]] Status secure(const std::string& name, const MqttTls& tls);
  [[nodiscard]] Error broken(const char* otherwise) const;
  [[nodiscard]] Result<std::size_t> tls_result(int result, std::size_t count);

  int fd_ = -1;
  std::string where_;
  std::unique_ptr<SSL, Free> ssl_;
  bool receives_first_ = false;
};

}  // namespace headrace::mqtt
