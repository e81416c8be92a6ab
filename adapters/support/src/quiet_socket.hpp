#pragma once

#include <openssl/types.h>

namespace headrace::adapter_support {

/// A connected socket for OpenSSL, whose own would raise SIGPIPE when the peer is gone. It stays its owner's. A socket that is
/// not ready, or whose wait has ended by its own timeout, is to be tried again.
[[nodiscard]] BIO* quiet_socket(int fd);

}  // namespace headrace::adapter_support
