#include "stream.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "headrace/base/check.hpp"
#include "headrace/port/connect_tcp.hpp"

namespace headrace::mqtt {
namespace {

int socket_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

int bio_write(BIO* bio, const char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  const ssize_t put = ::send(socket_of(bio), bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
  if (put < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(put);
}
int bio_read(BIO* bio, char* room, int count) {
  BIO_clear_retry_flags(bio);
  const ssize_t got = ::recv(socket_of(bio), room, static_cast<std::size_t>(count), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(got);
}
long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

/// OpenSSL's own socket would raise SIGPIPE when the peer is gone.
BIO_METHOD* quiet_socket() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "socket");
    HEADRACE_CHECK("mqtt.bio", made != nullptr, "no memory is left");
    BIO_meth_set_write(made, &bio_write);
    BIO_meth_set_read(made, &bio_read);
    BIO_meth_set_ctrl(made, &bio_control);
    return made;
  }();
  return method;
}

/// The broker wants another certificate than ours, or one at all.
bool is_about_certificates(unsigned long error) {
  constexpr std::array<int, 8> kReasons{
      SSL_R_CERTIFICATE_VERIFY_FAILED,       SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
      SSL_R_TLSV1_ALERT_UNKNOWN_CA,          SSL_R_TLSV1_ALERT_ACCESS_DENIED,
      SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,     SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
      SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN};
  return ERR_GET_LIB(error) == ERR_LIB_SSL && std::ranges::find(kReasons, ERR_GET_REASON(error)) != kReasons.end();
}

std::string reason_of(unsigned long error) {
  const char* reason = ERR_reason_error_string(error);
  return reason == nullptr ? "an error of TLS" : reason;
}

}  // namespace

void Stream::Free::operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
void Stream::Free::operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }

Stream::Stream(Stream&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      where_(std::move(other.where_)),
      ssl_(std::move(other.ssl_)),
      receives_first_(other.receives_first_) {}

Stream::~Stream() {
  if (fd_ >= 0) ::close(fd_);
}

Result<Stream> Stream::open(const MqttAddress& address, const MqttOptions& options) {
  auto fd = connect_tcp(address.host, address.port, options.connect_timeout, address.text());
  if (!fd) return fd.error();
  Stream stream(*fd, address.text());
  if (address.tls) {
    const std::string& name = options.tls.server_name.empty() ? address.host : options.tls.server_name;
    if (Status secured = stream.secure(name, options.tls); !secured) return secured.error();
  }
  return stream;
}

Status Stream::check(const MqttTls& tls) {
  const auto context = context_of(tls);
  return context ? Status(Nothing{}) : context.error();
}

Result<Stream::Context> Stream::context_of(const MqttTls& tls) {
  Context context(SSL_CTX_new(TLS_client_method()));
  HEADRACE_CHECK("mqtt.tls", context != nullptr, "no memory is left");
  const auto bad = [](const std::string& what) {
    const Error error{what + ": " + reason_of(ERR_peek_last_error()), "mqtt tls"};
    ERR_clear_error();
    return error;
  };
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  // What was not sent stands at another place the next time, and may be more.
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_load_verify_file(context.get(), tls.ca_file.c_str()) != 1) {
    return bad("cannot read the trusted certificates of " + tls.ca_file);
  }
  if (tls.certificate_file.empty() != tls.key_file.empty()) {
    return Error{"certificate_file and key_file go together", "mqtt tls"};
  }
  if (tls.certificate_file.empty()) return context;
  if (SSL_CTX_use_certificate_chain_file(context.get(), tls.certificate_file.c_str()) != 1) {
    return bad("cannot read the certificate of " + tls.certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), tls.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return bad("cannot use the key of " + tls.key_file);
  }
  return context;
}

Status Stream::secure(const std::string& name, const MqttTls& tls) {
  const auto context = context_of(tls);
  if (!context) return context.error();
  ssl_.reset(SSL_new(context->get()));
  HEADRACE_CHECK("mqtt.tls", ssl_ != nullptr, "no memory is left");
  X509_VERIFY_PARAM* const verified = SSL_get0_param(ssl_.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(verified, name.c_str()) != 1) {  // which it is not
    ERR_clear_error();
    if (X509_VERIFY_PARAM_set1_host(verified, name.c_str(), 0) != 1 ||
        SSL_set_tlsext_host_name(ssl_.get(), name.c_str()) != 1) {
      ERR_clear_error();
      return Error{"'" + name + "' is no name of a server", where_};
    }
  }
  BIO* const bio = BIO_new(quiet_socket());
  HEADRACE_CHECK("mqtt.bio", bio != nullptr, "no memory is left");
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd_)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_connect_state(ssl_.get());
  return Nothing{};
}

Error Stream::broken(const char* otherwise) const {
  return Error{otherwise != nullptr ? otherwise : std::strerror(errno), where_, Error::Retry::maybe};
}

Result<std::size_t> Stream::send(std::span<const char> bytes) {
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
    if (errno != EINTR) return broken(nullptr);
  }
}

Result<std::size_t> Stream::receive(std::span<char> room) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &got);
    return tls_result(result, got);
  }
  const ssize_t got = ::recv(fd_, room.data(), room.size(), 0);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got == 0) return broken("the broker hung up");
  if (errno == EAGAIN || errno == EINTR) return std::size_t{0};
  return broken(nullptr);
}

Result<std::size_t> Stream::tls_result(int result, std::size_t count) {
  if (result == 1) return count;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return std::size_t{0};
    case SSL_ERROR_SSL: {
      const unsigned long error = ERR_get_error();
      const long chain = SSL_get_verify_result(ssl_.get());
      Error broke = broken("");
      broke.what = reason_of(error);
      if (chain != X509_V_OK) broke.what += std::string(": ") + X509_verify_cert_error_string(chain);
      if (is_about_certificates(error)) broke.retry = Error::Retry::no;
      ERR_clear_error();
      return broke;
    }
    default:
      return broken("the broker hung up");
  }
}

void Stream::shut_down() {
  if (ssl_ != nullptr && SSL_is_init_finished(ssl_.get()) == 1) {
    ERR_clear_error();
    (void)SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
  ::shutdown(fd_, SHUT_WR);
}

}  // namespace headrace::mqtt
