#pragma once

#include <string>

#include "server_process.hpp"

namespace headrace::test {

/// redis-server, keeping its data so that kill -9 loses nothing that was answered: what is written outlives the process
/// without an fsync, and with `everysec` Redis answers before it writes while an fsync is under way.
class RedisServer {
 public:
  explicit RedisServer(std::string password = {}) : password_(std::move(password)) { start(); }

  void start() {
    std::vector<std::string> command{
        "redis-server", "--port", std::to_string(port_), "--bind", "127.0.0.1",     "--dir",   process_.folder(),
        "--save",       "",       "--appendonly",        "yes",    "--appendfsync", "no"};
    if (!password_.empty()) command.insert(command.end(), {"--requirepass", password_});
    process_.start(command);
    process_.await(port_, "PING\r\n", password_.empty() ? "+PONG" : "-NOAUTH");
  }
  void stop(int signal) { process_.stop(signal); }
  [[nodiscard]] std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

 private:
  std::string password_;
  std::uint16_t port_ = free_port();
  ServerProcess process_;
};

}  // namespace headrace::test
