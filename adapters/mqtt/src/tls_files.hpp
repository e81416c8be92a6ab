#pragma once

#include "headrace/adapter_support/tls_context.hpp"
#include "headrace/mqtt/mqtt_options.hpp"

namespace headrace::mqtt {

[[nodiscard]] inline adapter_support::TlsFiles files_of(const MqttTls& tls) {
  return {tls.ca_file, tls.certificate_file, tls.key_file};
}

}  // namespace headrace::mqtt
