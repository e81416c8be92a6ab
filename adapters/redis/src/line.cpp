#include "line.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "headrace/base/check.hpp"

namespace headrace::redis {
namespace {

int fd_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }

int put(BIO* bio, const char* bytes, int count) {
  BIO_clear_retry_flags(bio);
  ssize_t sent = 0;
  do sent = ::send(fd_of(bio), bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno == EAGAIN) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}
int get(BIO* bio, char* room, int count) {
  BIO_clear_retry_flags(bio);
  ssize_t came = 0;
  do came = ::recv(fd_of(bio), room, static_cast<std::size_t>(count), 0);
  while (came < 0 && errno == EINTR);
  if (came < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
  return static_cast<int>(came);
}
long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

/// OpenSSL's own socket would raise SIGPIPE when the server is gone.
BIO_METHOD* silent_socket() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "redis socket");
    HEADRACE_CHECK("redis.bio", made != nullptr, "no memory is left");
    BIO_meth_set_write(made, &put);
    BIO_meth_set_read(made, &get);
    BIO_meth_set_ctrl(made, &control);
    return made;
  }();
  return method;
}

/// The server is not who was expected, or wants another certificate than ours, or one at all.
bool is_certificates_fault(unsigned long error) {
  constexpr std::array<int, 8> kReasons{
      SSL_R_CERTIFICATE_VERIFY_FAILED,       SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
      SSL_R_TLSV1_ALERT_UNKNOWN_CA,          SSL_R_TLSV1_ALERT_ACCESS_DENIED,
      SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,     SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
      SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN};
  return ERR_GET_LIB(error) == ERR_LIB_SSL && std::ranges::find(kReasons, ERR_GET_REASON(error)) != kReasons.end();
}

std::string words_of(unsigned long error) {
  const char* words = ERR_reason_error_string(error);
  return words == nullptr ? "an error of TLS" : words;
}

}  // namespace

void Line::Free::operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
void Line::Free::operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }

Status Line::check(const RedisTls& tls) {
  const auto context = context_of(tls);
  return context ? Status(Nothing{}) : context.error();
}

Result<Line::Context> Line::context_of(const RedisTls& tls) {
  Context context(SSL_CTX_new(TLS_client_method()));
  HEADRACE_CHECK("redis.tls", context != nullptr, "no memory is left");
  const auto bad = [](const std::string& what) {
    const Error error{what + ": " + words_of(ERR_peek_last_error()), "redis tls"};
    ERR_clear_error();
    return error;
  };
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_file(context.get(), tls.ca_file.c_str()) != 1) {
    return bad("cannot read the trusted certificates of " + tls.ca_file);
  }
  if (tls.certificate_file.empty() != tls.key_file.empty()) {
    return Error{"certificate_file and key_file go together", "redis tls"};
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

Status Line::secure(const std::string& host, const RedisTls& tls) {
  const auto context = context_of(tls);
  if (!context) return context.error();
  ssl_.reset(SSL_new(context->get()));
  HEADRACE_CHECK("redis.tls", ssl_ != nullptr, "no memory is left");
  if (Status known = expect(tls.server_name.empty() ? host : tls.server_name); !known) return known;
  BIO* const bio = BIO_new(silent_socket());
  HEADRACE_CHECK("redis.bio", bio != nullptr, "no memory is left");
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd_)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  ERR_clear_error();
  const int result = SSL_connect(ssl_.get());
  return result == 1 ? Status(Nothing{}) : tls_error(result);
}

Status Line::expect(const std::string& name) {
  X509_VERIFY_PARAM* const verified = SSL_get0_param(ssl_.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(verified, name.c_str()) == 1) return Nothing{};
  const bool is_name = X509_VERIFY_PARAM_set1_host(verified, name.c_str(), 0) == 1 &&
                       SSL_set_tlsext_host_name(ssl_.get(), name.c_str()) == 1;
  ERR_clear_error();
  return is_name ? Status(Nothing{}) : Error{"'" + name + "' is no name of a server", where_};
}

Error Line::broken() const {
  return Error{errno == EAGAIN ? "no answer in time" : std::strerror(errno), where_, Error::Retry::maybe};
}

Error Line::tls_error(int result) const {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return Error{"no answer in time", where_, Error::Retry::maybe};
    case SSL_ERROR_SSL: {
      const unsigned long error = ERR_get_error();
      const long chain = SSL_get_verify_result(ssl_.get());
      Error broke{words_of(error), where_, is_certificates_fault(error) ? Error::Retry::no : Error::Retry::maybe};
      if (chain != X509_V_OK) broke.what += std::string(": ") + X509_verify_cert_error_string(chain);
      ERR_clear_error();
      return broke;
    }
    default:
      return Error{"the server hung up", where_, Error::Retry::maybe};
  }
}

Status Line::send(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t sent = 0;
    if (ssl_ != nullptr) {
      ERR_clear_error();
      if (const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent); result != 1) {
        return tls_error(result);
      }
    } else {
      const ssize_t went = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (went < 0 && errno == EINTR) continue;
      if (went < 0) return broken();
      sent = static_cast<std::size_t>(went);
    }
    bytes.remove_prefix(sent);
  }
  return Nothing{};
}

Result<std::size_t> Line::receive(std::span<char> room) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_.get(), room.data(), room.size(), &got);
    if (result == 1) return got;
    return tls_error(result);
  }
  for (;;) {
    const ssize_t got = ::recv(fd_, room.data(), room.size(), 0);
    if (got > 0) return static_cast<std::size_t>(got);
    if (got == 0) return Error{"the server hung up", where_, Error::Retry::maybe};
    if (errno != EINTR) return broken();
  }
}

}  // namespace headrace::redis
