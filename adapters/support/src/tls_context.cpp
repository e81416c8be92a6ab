#include "headrace/adapter_support/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>

#include "headrace/base/check.hpp"

namespace headrace::adapter_support {

void FreeTlsContext::operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }

Result<TlsContext> tls_context(const TlsFiles& files, const std::string& where) {
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  HEADRACE_CHECK("adapter.tls", context != nullptr, "no memory is left");
  const auto bad = [&](const std::string& what) {
    const Error error{what + ": " + tls_reason(ERR_peek_last_error()), where};
    ERR_clear_error();
    return error;
  };
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  // What was not sent stands at another place the next time, and may be more.
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (SSL_CTX_load_verify_file(context.get(), files.ca_file.c_str()) != 1) {
    return bad("cannot read the trusted certificates of " + files.ca_file);
  }
  if (files.certificate_file.empty() != files.key_file.empty()) {
    return Error{"certificate_file and key_file go together", where};
  }
  if (files.certificate_file.empty()) return context;
  if (SSL_CTX_use_certificate_chain_file(context.get(), files.certificate_file.c_str()) != 1) {
    return bad("cannot read the certificate of " + files.certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), files.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return bad("cannot use the key of " + files.key_file);
  }
  return context;
}

Status check_tls(const TlsFiles& files, const std::string& where) {
  const auto context = tls_context(files, where);
  return context ? Status(Nothing{}) : context.error();
}

std::string tls_reason(unsigned long error) {
  const char* reason = ERR_reason_error_string(error);
  return reason == nullptr ? "an error of TLS" : reason;
}

bool is_about_certificates(unsigned long error) {
  constexpr std::array<int, 8> kReasons{
      SSL_R_CERTIFICATE_VERIFY_FAILED,       SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
      SSL_R_TLSV1_ALERT_UNKNOWN_CA,          SSL_R_TLSV1_ALERT_ACCESS_DENIED,
      SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,     SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
      SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN};
  return ERR_GET_LIB(error) == ERR_LIB_SSL && std::ranges::find(kReasons, ERR_GET_REASON(error)) != kReasons.end();
}

}  // namespace headrace::adapter_support
