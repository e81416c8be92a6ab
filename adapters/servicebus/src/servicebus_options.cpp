#include "headrace/servicebus/servicebus_options.hpp"

#include <utility>

#include "headrace/port/server_url.hpp"

namespace headrace::servicebus {
namespace {

constexpr std::size_t kEntityBytesMax = 512;
constexpr std::chrono::seconds kTokenLifeMax = std::chrono::hours(24 * 365);

}  // namespace

Result<ServiceBusAddress> ServiceBusAddress::of(const ServiceBusOptions& options, const std::string& entity) {
  std::string text = options.connection_string;
  if (text.empty()) {
    auto stored = stored_secret(options.connection_string_file, options.connection_string_variable);
    if (!stored) return stored.error();
    text = std::move(*stored);
  }
  auto login = ConnectionString::of(text);
  if (!login) return login.error();
  ServiceBusAddress address;
  address.entity = entity.empty() ? login->entity : entity;
  if (address.entity.empty()) return Error{"no entity is named: a queue, a topic or a subscription", "servicebus"};
  if (address.entity.size() > kEntityBytesMax || address.entity.find('\0') != std::string::npos) {
    return Error{"an entity's name must have 1 to 512 bytes and no NUL", "servicebus"};
  }
  const bool within =
      login->entity.empty() || address.entity == login->entity || address.entity.starts_with(login->entity + "/");
  if (!within) return Error{"the connection string's EntityPath is another entity", address.entity};
  if (options.heartbeat.count() < 0 || options.heartbeat.count() > 3'600) {
    return Error{"the heartbeat must be 0 to 3600 s", "servicebus"};
  }
  if (options.token_life.count() < 2 || options.token_life > kTokenLifeMax) {
    return Error{"token_life must be 2 s to a year", "servicebus"};
  }
  if (options.login == Login::plain && !login->token.empty()) {
    return Error{"SASL PLAIN needs a key, not a SharedAccessSignature", "servicebus"};
  }
  address.tls = !login->emulator;
  address.port = login->port != 0 ? login->port : address.tls ? 5671 : 5672;
  address.login = std::move(*login);
  return address;
}

std::string ServiceBusAddress::text() const {
  return "servicebus " + login.host + ":" + std::to_string(port) + "/" + entity;
}

}  // namespace headrace::servicebus
