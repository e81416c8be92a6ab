#include "headrace/adapter_support/socket_stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "headrace/base/check.hpp"
#include "quiet_socket.hpp"

namespace headrace::adapter_support {

void SocketStream::Free::operator()(SSL* ssl) const noexcept { SSL_free(ssl); }

SocketStream::SocketStream(SocketStream&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      closes_(other.closes_),
      where_(std::move(other.where_)),
      peer_(std::move(other.peer_)),
      ssl_(std::move(other.ssl_)),
      receives_first_(other.receives_first_) {}

SocketStream::~SocketStream() {
  ssl_.reset();
  if (fd_ >= 0 && closes_ == Closes::yes) ::close(fd_);
}

Status SocketStream::secure(const std::string& name, const TlsFiles& files) {
  const auto context = tls_context(files, where_);
  if (!context) return context.error();
  ssl_.reset(SSL_new(context->get()));
  HEADRACE_CHECK("adapter.tls", ssl_ != nullptr, "no memory is left");
  if (Status known = expect(name); !known) return known;
  BIO* const bio = quiet_socket(fd_);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_connect_state(ssl_.get());
  return Nothing{};
}

Status SocketStream::expect(const std::string& name) {
  X509_VERIFY_PARAM* const verified = SSL_get0_param(ssl_.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(verified, name.c_str()) == 1) return Nothing{};
  const bool is_name = X509_VERIFY_PARAM_set1_host(verified, name.c_str(), 0) == 1 &&
                       SSL_set_tlsext_host_name(ssl_.get(), name.c_str()) == 1;
  ERR_clear_error();
  return is_name ? Status(Nothing{}) : Error{"'" + name + "' is no name of a server", where_};
}

Error SocketStream::broken(std::string what) const { return Error{std::move(what), where_, Error::Retry::maybe}; }

Result<std::size_t> SocketStream::send(std::span<const char> bytes) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    std::size_t put = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &put);
    receives_first_ = result != 1 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
    return tls_result(result, put);
  }
  for (;;) {
    const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put >= 0) return static_cast<std::size_t>(put);
    if (errno == EAGAIN) return std::size_t{0};
    if (errno != EINTR) return broken(std::strerror(errno));
  }
}

Result<std::size_t> SocketStream::receive(std::span<char> room) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &got);
    return tls_result(result, got);
  }
  for (;;) {
    const ssize_t got = ::recv(fd_, room.data(), room.size(), 0);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) return hung_up();
    if (errno == EAGAIN) return std::size_t{0};
    if (errno != EINTR) return broken(std::strerror(errno));
  }
}

Result<std::size_t> SocketStream::tls_result(int result, std::size_t count) {
  if (result == 1) return count;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return std::size_t{0};
    case SSL_ERROR_SSL: {
      const unsigned long error = ERR_get_error();
      Error broke = broken(tls_reason(error));
      const long chain = SSL_get_verify_result(ssl_.get());
      if (chain != X509_V_OK) broke.what += std::string(": ") + X509_verify_cert_error_string(chain);
      if (is_about_certificates(error)) broke.retry = Error::Retry::no;
      ERR_clear_error();
      return broke;
    }
    default:
      return hung_up();
  }
}

void SocketStream::shut_down() {
  if (ssl_ != nullptr && SSL_is_init_finished(ssl_.get()) == 1) {
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  ::shutdown(fd_, SHUT_WR);
}

}  // namespace headrace::adapter_support
