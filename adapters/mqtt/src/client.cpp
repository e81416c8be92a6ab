#include "client.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>

namespace headrace::mqtt {
namespace {

/// The broker's answers that another attempt would only repeat: of MQTT 3.1.1 and of MQTT 5.
bool is_final(int return_code) {
  constexpr std::array kFinal{2, 4, 5, 0x85, 0x86, 0x87, 0x8a, 0x8c};
  return std::find(kFinal.begin(), kFinal.end(), return_code) != kFinal.end();
}

int version_of(const MqttOptions& options) {
  return options.version == MqttVersion::v5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
}

::mqtt::ssl_options tls_of(const MqttOptions& options) {
  ::mqtt::ssl_options tls;
  if (!options.ca_file.empty()) tls.set_trust_store(options.ca_file);
  if (!options.certificate_file.empty()) tls.set_key_store(options.certificate_file);
  if (!options.key_file.empty()) tls.set_private_key(options.key_file);
  tls.set_enable_server_cert_auth(true);
  tls.set_verify(true);  // the name too: the library's default looks at the certificate only
  return tls;
}

/// The library stops its threads with its last client, which takes a second. One client more, never connected and
/// never destroyed, keeps them.
void keep_library_running() {
  static auto* const keeper = new ::mqtt::async_client("tcp://127.0.0.1:1", "headrace");
  (void)keeper;
}

}  // namespace

Result<std::string> check_options(const MqttOptions& options) {
  if (!options.url.starts_with("tcp://") && !options.url.starts_with("ssl://")) {
    return Error{"must begin with tcp:// or ssl://", "mqtt url"};
  }
  if (options.url.find('@') != std::string::npos) {
    return Error{"user and password do not belong into the url", "mqtt url"};
  }
  if (options.client_id.empty()) return Error{"the client must have an id", "mqtt"};
  if (!options.password.empty()) return options.password;
  if (!options.password_file.empty()) {
    std::ifstream file(options.password_file);
    std::string line;
    if (!std::getline(file, line)) return Error{"cannot read the password", options.password_file};
    return line;
  }
  if (!options.password_variable.empty()) {
    const char* value = std::getenv(options.password_variable.c_str());
    if (value == nullptr) return Error{"the variable is not set", options.password_variable};
    return std::string(value);
  }
  return std::string();
}

ClientPtr make_client(const MqttOptions& options) {
  keep_library_running();
  // The library writes to descriptor 0 when a callback returns after its socket was closed. It must not be a file.
  if (::fcntl(STDIN_FILENO, F_GETFD) < 0) (void)::open("/dev/null", O_RDWR);
  return std::make_unique<::mqtt::async_client>(options.url, options.client_id,
                                                ::mqtt::create_options(version_of(options)), nullptr);
}

Status connect(::mqtt::async_client& client, const MqttOptions& options, const std::string& password,
               const Session& session) {
  ::mqtt::connect_options wanted;
  wanted.set_mqtt_version(version_of(options));
  wanted.set_keep_alive_interval(options.keep_alive);
  wanted.set_connect_timeout(options.connect_timeout);
  wanted.set_max_inflight(static_cast<int>(session.window));
  if (options.version == MqttVersion::v5) {
    wanted.set_clean_start(!session.kept);
    ::mqtt::properties properties;
    properties.add({::mqtt::property::SESSION_EXPIRY_INTERVAL, static_cast<std::int32_t>(session.expiry.count())});
    wanted.set_properties(properties);
  } else {
    wanted.set_clean_session(!session.kept);
  }
  if (!options.user.empty()) wanted.set_user_name(options.user);
  if (!password.empty()) wanted.set_password(password);
  if (options.url.starts_with("ssl://")) wanted.set_ssl(tls_of(options));
  try {
    const auto token = client.connect(wanted);
    if (!token->wait_for(options.connect_timeout + std::chrono::seconds(1))) {
      return Error{"no answer to the connection", options.url, Error::Retry::maybe};
    }
    return Nothing{};
  } catch (const ::mqtt::exception& refused) {
    const int code = refused.get_reason_code() >= 0x80 ? refused.get_reason_code() : refused.get_return_code();
    return Error{refused.to_string(), options.url, is_final(code) ? Error::Retry::no : Error::Retry::maybe};
  }
}

}  // namespace headrace::mqtt
