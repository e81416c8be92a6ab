#pragma once

#include <openssl/types.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "headrace/adapter_support/tls_context.hpp"
#include "headrace/base/result.hpp"

namespace headrace::adapter_support {

/// The bytes of a connected socket, as they are or under TLS. The socket may never block, or end each wait by timeouts of
/// its own: 0 bytes then say that it was not ready. After an error it is broken. A peer that is gone raises no SIGPIPE.
/// @thread one
class SocketStream {
 public:
  enum class Closes : std::uint8_t { no, yes };  ///< whether the socket is this stream's to close
  /// `where` is what errors call it, `peer` whom they speak of: "the broker".
  SocketStream(int fd, Closes closes, std::string where, std::string peer)
      : fd_(fd), closes_(closes), where_(std::move(where)), peer_(std::move(peer)) {}
  SocketStream(SocketStream&& other) noexcept;
  SocketStream& operator=(SocketStream&&) = delete;
  ~SocketStream();

  /// Everything goes under TLS from now on, to a peer that must show to be `name`, of a host or an address. The handshake
  /// goes on with the first send() and receive(), and so do its errors: one that no retry helps is one of certificates.
  [[nodiscard]] Status secure(const std::string& name, const TlsFiles& files);

  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool is_tls() const noexcept { return ssl_ != nullptr; }
  /// How many bytes went. Bytes that did not go stand at the front of the next call.
  [[nodiscard]] Result<std::size_t> send(std::span<const char> bytes);
  /// How many bytes came.
  [[nodiscard]] Result<std::size_t> receive(std::span<char> room);
  /// TLS cannot send before it has received something.
  [[nodiscard]] bool receives_first() const noexcept { return receives_first_; }
  /// Nothing more will be sent.
  void shut_down();

 private:
  struct Free {
    void operator()(SSL* ssl) const noexcept;
  };
  [[nodiscard]] Status expect(const std::string& name);
  [[nodiscard]] Result<std::size_t> tls_result(int result, std::size_t count);
  [[nodiscard]] Error broken(std::string what) const;
  [[nodiscard]] Error hung_up() const { return broken(peer_ + " hung up"); }

  int fd_;
  Closes closes_;
  std::string where_;
  std::string peer_;
  std::unique_ptr<SSL, Free> ssl_;
  bool receives_first_ = false;
};

}  // namespace headrace::adapter_support
