#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace headrace::test {

/// A server on 127.0.0.1 that says what a script tells it: an answer to each read of a connection, and after the last it
/// only reads. One connection at a time. For what no real server can be brought to do.
class ScriptedServer {
 public:
  using Script = std::vector<std::string>;
  explicit ScriptedServer(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 4), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// Connections made from now on are told this.
  void now(Script script) {
    const std::scoped_lock lock(mutex_);
    script_ = std::move(script);
  }

 private:
  void run() {
    for (int peer = -1; (peer = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(peer)) {
      const Script script = current();
      std::size_t said = 0;
      for (char bytes[4096]; ::recv(peer, bytes, sizeof bytes, 0) > 0; ++said) {
        if (said >= script.size()) continue;
        (void)!::send(peer, script[said].data(), script[said].size(), MSG_NOSIGNAL);
      }
    }
  }
  Script current() {
    const std::scoped_lock lock(mutex_);
    return script_;
  }

  std::mutex mutex_;
  Script script_;  // behind mutex_
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace headrace::test
