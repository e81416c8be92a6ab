#pragma once

#include "headrace/adapter_support/tls_context.hpp"
#include "headrace/redis/redis_options.hpp"

namespace headrace::redis {

[[nodiscard]] inline adapter_support::TlsFiles files_of(const RedisTls& tls) {
  return {tls.ca_file, tls.certificate_file, tls.key_file};
}

}  // namespace headrace::redis
