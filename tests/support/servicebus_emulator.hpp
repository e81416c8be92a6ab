#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "server_process.hpp"

namespace headrace::test {

/// tests/support/servicebus: Service Bus's conventions, with messages that survive kill -9. Its log has a line for
/// each token and each request to $management.
class ServiceBusEmulator {
 public:
  static constexpr std::string_view kNeeds =
      "the broker's npm packages are not here: tools/test.sh installs them where npm's registry can be reached";
  static constexpr std::string_view kKey = "dGhlIGNhbmFyeSBzaW5ncw==";

  [[nodiscard]] static bool is_installed() {
    return std::filesystem::exists(HEADRACE_NODE_MODULES "/rhea/package.json");
  }

  /// `entities`: "queues": {…}, "topics": {…}, "tls": {…}, as emulator.js has it.
  explicit ServiceBusEmulator(const std::string& entities = R"("queues": {"orders": {}})")
      : tls_(entities.find(R"("tls")") != std::string::npos) {
    ::setenv("NODE_PATH", HEADRACE_NODE_MODULES, 1);
    process_.write("config.json", R"({"port": )" + std::to_string(port_) +
                                      R"(, "key": {"name": "root", "value": ")" + std::string(kKey) +
                                      R"("}, "journal": ")" + process_.path("journal") +
                                      R"(", "bytesMax": 2097152, )" + entities + "}");
    start();
  }
  void start() {
    process_.start({"node", HEADRACE_SERVICEBUS_EMULATOR "/emulator.js", process_.path("config.json")});
    // The header of AMQP 1.0 with SASL, which it answers by its own; or a greeting of TLS that it answers by an alert.
    constexpr std::string_view kHeader("AMQP\x03\x01\x00\x00", 8);
    constexpr std::string_view kBadHello("\x16\x03\x01\x00\x05hello", 10);
    process_.await(port_, tls_ ? kBadHello : kHeader, tls_ ? "\x15" : "AMQP");
  }
  void stop(int signal) { process_.stop(signal); }

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string log() const { return process_.log(); }
  [[nodiscard]] std::string connection_string() const { return connection_string(port_); }
  /// Through something that stands between.
  [[nodiscard]] static std::string connection_string(std::uint16_t port) {
    return "Endpoint=sb://127.0.0.1:" + std::to_string(port) +
           ";SharedAccessKeyName=root;SharedAccessKey=" + std::string(kKey) + ";UseDevelopmentEmulator=true";
  }

 private:
  const bool tls_;
  const std::uint16_t port_ = free_port();
  ServerProcess process_;
};

}  // namespace headrace::test
