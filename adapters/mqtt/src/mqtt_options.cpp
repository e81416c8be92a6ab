#include "headrace/mqtt/mqtt_options.hpp"

#include <utility>

#include "headrace/port/server_url.hpp"

namespace headrace::mqtt {

Result<MqttAddress> MqttAddress::of(const MqttOptions& options) {
  const std::string where = "mqtt url";
  auto url = ServerUrl::of(options.url, where);
  if (!url) return url.error();
  if (url->scheme == "mqtts") return Error{"TLS is not available in this adapter", where};
  if (url->scheme != "mqtt") return Error{"must begin with mqtt://", where};
  if (!url->path.empty()) return Error{"has a path, which means nothing here", where};
  MqttAddress address;
  address.host = std::move(url->host);
  if (url->port != 0) address.port = url->port;
  address.user = std::move(url->user);
  address.password = std::move(url->password);
  if (address.password.empty()) {
    auto password = stored_secret(options.password_file, options.password_variable);
    if (!password) return password.error();
    address.password = std::move(*password);
  }
  if (options.client_id.empty() || options.client_id.size() > 1'000) {
    return Error{"the client's id must have 1 to 1000 bytes", "mqtt"};
  }
  if (options.keep_alive.count() < 1 || options.keep_alive.count() > 65'535) {
    return Error{"keep_alive must be 1 to 65535 s", "mqtt"};
  }
  return address;
}

std::string MqttAddress::text() const { return "mqtt " + host + ":" + std::to_string(port); }

}  // namespace headrace::mqtt
