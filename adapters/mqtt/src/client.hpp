#pragma once

#include <mqtt/async_client.h>

#include <memory>
#include <string>

#include "headrace/base/result.hpp"
#include "headrace/mqtt/mqtt_options.hpp"

namespace headrace::mqtt {

using ClientPtr = std::unique_ptr<::mqtt::async_client>;

/// What a session is to the broker.
struct Session {
  bool kept = false;
  std::chrono::seconds expiry{0};
  std::size_t window = 20;  ///< of messages sent and not confirmed
};

/// Faults of options, before anything is tried; the password, from wherever it is.
[[nodiscard]] Result<std::string> check_options(const MqttOptions& options);

[[nodiscard]] ClientPtr make_client(const MqttOptions& options);
/// Connects and waits for the answer. An error that no retry helps is one of credentials or of the client's name.
[[nodiscard]] Status connect(::mqtt::async_client& client, const MqttOptions& options, const std::string& password,
                             const Session& session);

}  // namespace headrace::mqtt
