#include "headrace/mqtt/mqtt_options.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "greeting.hpp"
#include "headrace/port/server_url.hpp"
#include "tls_files.hpp"

namespace headrace::mqtt {

namespace {

constexpr std::size_t kSecretMax = 65'535;
constexpr std::size_t kPacketMin = std::size_t{256} << 10;
constexpr std::size_t kPacketMax = 268'435'455;

}  // namespace

Result<MqttAddress> MqttAddress::of(const MqttOptions& options) {
  const std::string where = "mqtt url";
  auto url = ServerUrl::of(options.url, where);
  if (!url) return url.error();
  if (url->scheme != "mqtt" && url->scheme != "mqtts") return Error{"must begin with mqtt:// or mqtts://", where};
  if (!url->path.empty()) return Error{"has a path, which means nothing here", where};
  MqttAddress address;
  address.tls = url->scheme == "mqtts";
  if (address.tls) address.port = 8883;
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
  if (std::max(address.user.size(), address.password.size()) > kSecretMax) {
    return Error{"user and password have at most 65535 bytes each", "mqtt"};
  }
  if (options.version == MqttVersion::v311 && address.user.empty() && !address.password.empty()) {
    return Error{"MQTT 3.1.1 has no password without a user", "mqtt"};
  }
  if (options.packet_bytes_max < kPacketMin || options.packet_bytes_max > kPacketMax) {
    return Error{"packet_bytes_max must be 262144 to 268435455: a topic and a header may have 64 KiB each",
                 "mqtt"};
  }
  if (options.keep_alive.count() < 1 || options.keep_alive.count() > 65'535) {
    return Error{"keep_alive must be 1 to 65535 s", "mqtt"};
  }
  if (options.will) {
    if (std::string fault = fault_of(*options.will, options.version); !fault.empty()) {
      return Error{"the will: " + fault, "mqtt"};
    }
  }
  if (address.tls) {
    if (Status good = adapter_support::check_tls(files_of(options.tls), "mqtt tls"); !good) return good.error();
  }
  return address;
}

std::string MqttAddress::text() const { return "mqtt " + host + ":" + std::to_string(port); }

}  // namespace headrace::mqtt
