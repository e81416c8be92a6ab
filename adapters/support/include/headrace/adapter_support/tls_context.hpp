#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>

#include "headrace/base/result.hpp"

namespace headrace::adapter_support {

/// PEM files.
struct TlsFiles {
  std::string ca_file;           ///< whom to trust
  std::string certificate_file;  ///< with its chain: who we are; empty: nobody
  std::string key_file;          ///< of the certificate
};

struct FreeTlsContext {
  void operator()(SSL_CTX* context) const noexcept;
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTlsContext>;

/// A client's: TLS 1.2 or later, and the peer's chain is verified. An error says which file is bad.
[[nodiscard]] Result<TlsContext> tls_context(const TlsFiles& files, const std::string& where);
/// Whether the files are there and fit each other.
[[nodiscard]] Status check_tls(const TlsFiles& files, const std::string& where);

/// What OpenSSL calls the error.
[[nodiscard]] std::string tls_reason(unsigned long error);
/// The peer is not who was expected, or wants another certificate than ours, or one at all.
[[nodiscard]] bool is_about_certificates(unsigned long error);

}  // namespace headrace::adapter_support
