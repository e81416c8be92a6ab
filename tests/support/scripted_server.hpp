#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
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
  /// Waits until a connection, counted from 0, has said something that holds this; all that it has said.
  std::string until_heard(std::size_t connection, std::string_view part) {
    std::unique_lock lock(mutex_);
    changed_.wait(
        lock, [&] { return heard_.size() > connection && heard_[connection].find(part) != std::string::npos; });
    return heard_[connection];
  }

 private:
  void run() {
    for (int peer = -1; (peer = ::accept(listener_, nullptr, nullptr)) >= 0; ::close(peer)) {
      const Script script = current();
      std::size_t said = 0;
      begin_connection();
      char bytes[4096];
      for (ssize_t got = 0; (got = ::recv(peer, bytes, sizeof bytes, 0)) > 0; ++said) {
        hear({bytes, static_cast<std::size_t>(got)});
        if (said >= script.size()) continue;
        (void)!::send(peer, script[said].data(), script[said].size(), MSG_NOSIGNAL);
      }
    }
  }
  void begin_connection() {
    const std::scoped_lock lock(mutex_);
    heard_.emplace_back();
  }
  void hear(std::string_view bytes) {
    {
      const std::scoped_lock lock(mutex_);
      heard_.back() += bytes;
    }
    changed_.notify_all();
  }
  Script current() {
    const std::scoped_lock lock(mutex_);
    return script_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Script script_;                   // behind mutex_, like
  std::vector<std::string> heard_;  // for each connection
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace headrace::test
