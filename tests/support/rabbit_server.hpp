#pragma once

#include <cstddef>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "server_process.hpp"

namespace headrace::test {

/// RabbitMQ with its own port mapper and nothing shared. It takes seconds to start: once a program. Call start().
class RabbitServer {
 public:
  /// `more` is added to its configuration.
  explicit RabbitServer(std::string more = {}) : more_(std::move(more)) {}

  void start() {
    if (running_) return;
    if (!mapped_) {
      mapped_ = true;
      process_.write("plugins", "[].");
      process_.write("environment", "");
      process_.write("rabbit.conf",
                     "loopback_users = none\nlog.console = true\nlog.file = false\n"
                     "listeners.tcp.default = 127.0.0.1:" +
                         std::to_string(port_) + "\n" + more_);
      mapper_.start({"epmd", "-port", std::to_string(mapper_port_), "-address", "127.0.0.1"});
    }
    std::vector<std::string> command = environment();
    // It stays one process, the one that was started, as it does for systemd.
    command.insert(command.end(), {"RUNNING_UNDER_SYSTEMD=1", "/usr/lib/rabbitmq/bin/rabbitmq-server"});
    process_.start(command);
    ++starts_;
    process_.await([this] { return complete_starts() == starts_; });
    running_ = true;
  }
  void stop(int signal) {
    process_.stop(signal);
    running_ = false;
  }
  /// By kill -9, once it has written down that the queue is there: it answers a declaration up to seconds before that,
  /// and a queue that it forgets takes its confirmed messages with it.
  void kill_with_queue(const std::string& queue) {
    process_.await([&] { return has_written(queue); });
    stop(SIGKILL);
  }
  /// Runs rabbitmqctl, which takes seconds too.
  void control(const std::vector<std::string>& words) {
    std::vector<std::string> command = environment();
    command.insert(command.end(), {"/usr/lib/rabbitmq/bin/rabbitmqctl", "--quiet"});
    command.insert(command.end(), words.begin(), words.end());
    ServerProcess tool;
    tool.start(command);
    if (tool.await_end() != 0) throw std::runtime_error("rabbitmqctl: " + tool.log());
  }
  [[nodiscard]] std::string url() const { return "amqp://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] const ServerProcess& process() const noexcept { return process_; }

 private:
  [[nodiscard]] std::vector<std::string> environment() const {
    const std::string folder = process_.folder();
    const std::string mapper = std::to_string(mapper_port_);
    return {"env", "HOME=" + folder, "RABBITMQ_NODENAME=headrace@localhost", "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
            "RABBITMQ_NODE_PORT=" + std::to_string(port_), "RABBITMQ_DIST_PORT=" + std::to_string(peers_port_),
            "RABBITMQ_MNESIA_BASE=" + folder + "/data", "RABBITMQ_LOG_BASE=" + folder + "/logs",
            "RABBITMQ_PID_FILE=" + folder + "/pid", "RABBITMQ_ENABLED_PLUGINS_FILE=" + folder + "/plugins",
            "RABBITMQ_CONFIG_FILE=" + folder + "/rabbit.conf", "RABBITMQ_CONF_ENV_FILE=" + folder + "/environment",
            "ERL_EPMD_PORT=" + mapper, "ERL_EPMD_ADDRESS=127.0.0.1",
            // Erlang's threads would spin while they wait, on cores that the tests need.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+sbwt none +sbwtdcpu none +sbwtdio none"};
  }

  /// Looks for the name as Erlang writes a binary, which no longer name contains. In the log of transactions it counts once
  /// "committed" stands behind it: what lacks that is forgotten at the next start.
  [[nodiscard]] bool has_written(const std::string& queue) const {
    const auto size = static_cast<char>(queue.size());
    const std::string name = std::string({'m', '\0', '\0', '\0', size}) + queue;
    const auto bytes_of = [&](std::string_view file) {
      std::ostringstream bytes;
      bytes << std::ifstream(process_.path("data/headrace@localhost/" + std::string(file)), std::ios::binary)
                   .rdbuf();
      return bytes.str();
    };
    const std::string log = bytes_of("LATEST.LOG");
    const std::size_t in_log = log.find(name);
    if (in_log != std::string::npos && log.find("committed", in_log) != std::string::npos) return true;
    return bytes_of("rabbit_durable_queue.DCL").find(name) != std::string::npos ||
           bytes_of("rabbit_durable_queue.DCD").find(name) != std::string::npos;
  }
  [[nodiscard]] std::size_t complete_starts() const {
    constexpr std::string_view kComplete = "Server startup complete";
    const std::string log = process_.log();
    std::size_t count = 0;
    for (std::size_t at = log.find(kComplete); at != std::string::npos; at = log.find(kComplete, at + 1)) ++count;
    return count;
  }

  const std::string more_;
  const std::uint16_t port_ = free_port();
  const std::uint16_t peers_port_ = free_port();
  const std::uint16_t mapper_port_ = free_port();
  ServerProcess mapper_;
  ServerProcess process_;
  std::size_t starts_ = 0;
  bool mapped_ = false;
  bool running_ = false;
};

}  // namespace headrace::test
