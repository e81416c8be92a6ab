#pragma once

#include <string>

#include "server_process.hpp"

namespace headrace::test {

/// mosquitto, keeping sessions and messages in its folder: after each change, or when it is told to and when it ends; or in
/// memory only.
class Mosquitto {
 public:
  enum class Keeps { everything, when_told, nothing };
  explicit Mosquitto(std::string_view more = "allow_anonymous true\n", Keeps keeps = Keeps::everything) {
    process_.write("mosquitto.conf",
                   "listener " + std::to_string(port_) + " 127.0.0.1\nuser root\npersistence " +
                       (keeps == Keeps::nothing ? "false" : "true") + "\npersistence_location " +
                       process_.folder() + "/\n" +
                       (keeps == Keeps::everything ? "autosave_on_changes true\nautosave_interval 1\n"
                                                   : "autosave_interval 0\n") +
                       "max_queued_messages 0\n" + std::string(more));
    start();
  }
  void start() {
    process_.start({"/usr/sbin/mosquitto", "-c", process_.path("mosquitto.conf")});
    await_turn();
  }
  /// Saves what it has acknowledged before. It looks for signals at the end of a turn, behind what it answers in it.
  void save() {
    process_.signal(SIGUSR1);
    await_turn();
    await_turn();
  }
  void stop(int signal) { process_.stop(signal); }
  void signal(int number) const { process_.signal(number); }
  /// Processor time that it has had.
  [[nodiscard]] double cpu_us() const { return process_.cpu_us(); }
  /// What it said so far; with `log_type all` each packet, before it is on its way.
  [[nodiscard]] std::string log() const { return process_.log(); }
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url() const { return "mqtt://127.0.0.1:" + std::to_string(port_); }

 private:
  void await_turn() {
    // A CONNECT of MQTT 3.1.1 by a client "x"; any CONNACK will do.
    constexpr std::string_view kConnect("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x", 15);
    process_.await(port_, kConnect, " ");
  }
  std::uint16_t port_ = free_port();
  ServerProcess process_;
};

}  // namespace headrace::test
