#include "headrace/rabbitmq/rabbit_options.hpp"

#include <utility>

#include "headrace/port/server_url.hpp"

namespace headrace::rabbitmq {

Result<RabbitAddress> RabbitAddress::of(const RabbitOptions& options) {
  const std::string where = "rabbitmq url";
  auto url = ServerUrl::of(options.url, where);
  if (!url) return url.error();
  if (url->scheme != "amqp" && url->scheme != "amqps") return Error{"must begin with amqp:// or amqps://", where};
  RabbitAddress address;
  address.tls = url->scheme == "amqps";
  address.host = std::move(url->host);
  address.port = url->port != 0 ? url->port : address.tls ? 5671 : 5672;
  // As RabbitMQ reads URLs: no path is the vhost "/", and an empty path the vhost without a name.
  if (url->has_path) address.vhost = std::move(url->path);
  if (address.vhost.empty()) return Error{"has an empty vhost: leave the slash out, or write %2F", where};
  if (!url->user.empty()) address.user = std::move(url->user);
  address.password = std::move(url->password);
  if (address.password.empty()) {
    auto password = stored_secret(options.password_file, options.password_variable);
    if (!password) return password.error();
    address.password = std::move(*password);
  }
  if (address.password.empty() && address.user == "guest") address.password = "guest";
  if (options.tls.certificate_file.empty() != options.tls.key_file.empty()) {
    return Error{"a certificate needs its key, and a key its certificate", "rabbitmq tls"};
  }
  if (options.heartbeat.count() < 0 || options.heartbeat.count() > 3600) {
    return Error{"the heartbeat must be 0 to 3600 s", "rabbitmq"};
  }
  return address;
}

std::string RabbitAddress::text() const { return "rabbitmq " + host + ":" + std::to_string(port); }

}  // namespace headrace::rabbitmq
