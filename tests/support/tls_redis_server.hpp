#pragma once

#include <string>
#include <string_view>

#include "certificates.hpp"
#include "server_process.hpp"

namespace headrace::test {

/// redis-server that speaks TLS only, its certificate for localhost signed by ca.crt. There is another one, stranger,
/// signed by other.crt.
class TlsRedisServer {
 public:
  /// @param clients  whether it asks for their certificates: yes, no
  explicit TlsRedisServer(const std::string& clients = "no") {
    make_certificates(files_, "ca", "server");
    make_certificates(files_, "other", "stranger");
    process_.start({"redis-server", "--port", "0", "--tls-port", std::to_string(port_), "--bind", "127.0.0.1",
                    "--dir", process_.folder(), "--save", "", "--tls-cert-file", file("server.crt"),
                    "--tls-key-file", file("server.key"), "--tls-ca-cert-file", file("ca.crt"),
                    "--tls-auth-clients", clients});
    process_.await(port_, std::string_view("\x16\x03\x01\x00\x05hello", 10), "\x15");
  }
  [[nodiscard]] std::string file(std::string_view name) const { return files_.path(name); }
  [[nodiscard]] std::string url(const std::string& host = "localhost") const {
    return "rediss://" + host + ":" + std::to_string(port_);
  }

 private:
  const std::uint16_t port_ = free_port();
  ServerProcess files_;
  ServerProcess process_;
};

}  // namespace headrace::test
