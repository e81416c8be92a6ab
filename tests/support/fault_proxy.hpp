#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace headrace::test {

/// Stands between a client and a server on 127.0.0.1 and does to their connections what networks do.
///
/// Threads: one of its own carries the bytes; every function from any thread.
class FaultProxy {
 public:
  explicit FaultProxy(std::uint16_t server_port) : server_port_(server_port) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    EXPECT_EQ(::pipe2(wake_, O_CLOEXEC | O_NONBLOCK), 0);
    thread_ = std::thread([this] { run(); });
  }
  ~FaultProxy() {
    change([this] { ending_ = true; });
    thread_.join();
    for (auto& link : links_) link->close();
    for (const int fd : {listener_, wake_[0], wake_[1]}) ::close(fd);
  }
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  /// Nothing is carried and nothing closed, in old connections and new ones: a half-open peer. false ends it.
  void freeze(bool frozen) {
    change([=, this] { frozen_ = frozen; });
  }
  /// Every byte arrives that much later.
  void delay(std::chrono::milliseconds by) {
    change([=, this] { delay_ = by; });
  }
  /// At most so many bytes are carried at a time, in each direction.
  void throttle(std::size_t bytes) {
    change([=, this] { piece_ = bytes; });
  }
  /// Each connection from now on is reset after that many bytes from the client; npos: never.
  void reset_after(std::size_t bytes) {
    change([=, this] { reset_after_ = bytes; });
  }
  /// Every connection is reset now.
  void cut() {
    change([this] { cut_ = true; });
  }
  [[nodiscard]] std::size_t connections() const {
    const std::scoped_lock lock(mutex_);
    return connections_;
  }
  static constexpr std::size_t npos = std::numeric_limits<std::size_t>::max();

 private:
  using Clock = std::chrono::steady_clock;
  struct Chunk {
    Clock::time_point due;
    std::string bytes;
  };
  struct Way {
    int from = -1;
    int to = -1;
    std::deque<Chunk> under_way;
  };
  struct Link {
    Way up;
    Way down;
    std::size_t left = npos;  ///< bytes from the client until the reset
    bool dead = false;
    void close() {
      // An abortive close: the peer sees a reset, not an end.
      const linger now{1, 0};
      for (const int fd : {up.from, up.to}) {
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        ::close(fd);
      }
    }
  };

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  template <class F>
  void change(F&& what) {
    {
      const std::scoped_lock lock(mutex_);
      what();
    }
    (void)!::write(wake_[1], "x", 1);
  }

  void accept_one() {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(server_port_);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(client);
      ::close(server);
      return;
    }
    const int at_once = 1;  // what it carries is not held back for more
    for (const int fd : {client, server}) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
    auto link = std::make_unique<Link>();
    link->up.from = link->down.to = client;
    link->up.to = link->down.from = server;
    link->left = reset_after_;
    links_.push_back(std::move(link));
    ++connections_;
  }

  /// Takes what has come; false when that side has ended.
  bool read_from(Way& way) {
    char bytes[16384];
    const ssize_t got = ::recv(way.from, bytes, std::min(sizeof bytes, piece_), MSG_DONTWAIT);
    if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
    way.under_way.push_back({Clock::now() + delay_, std::string(bytes, static_cast<std::size_t>(got))});
    return true;
  }
  /// Hands over what is due; false when the connection is over.
  bool write_to(Way& way, std::size_t& left) {
    while (!way.under_way.empty() && way.under_way.front().due <= Clock::now()) {
      std::string& bytes = way.under_way.front().bytes;
      const ssize_t put =
          ::send(way.to, bytes.data(), std::min({bytes.size(), left, piece_}), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (put < 0) return errno == EAGAIN || errno == EINTR;
      bytes.erase(0, static_cast<std::size_t>(put));
      if (left != npos) left -= static_cast<std::size_t>(put);
      if (bytes.empty()) way.under_way.pop_front();
      if (left == 0) return false;
    }
    return true;
  }

  int wait_ms() const {
    if (frozen_) return -1;
    for (const auto& link : links_) {
      if (!link->up.under_way.empty() || !link->down.under_way.empty()) return 1;
    }
    return -1;
  }

  void run() {
    while (true) {
      std::vector<pollfd> fds{{listener_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
      int timeout = -1;
      {
        const std::scoped_lock lock(mutex_);
        if (ending_) return;
        timeout = wait_ms();
        for (const auto& link : links_) {
          const short events = frozen_ ? 0 : POLLIN;
          fds.push_back({frozen_ ? -1 : link->up.from, events, 0});
          fds.push_back({frozen_ ? -1 : link->down.from, events, 0});
        }
      }
      ::poll(fds.data(), fds.size(), timeout);
      const std::scoped_lock lock(mutex_);
      char dropped[64];
      while (::read(wake_[0], dropped, sizeof dropped) > 0) {
      }
      carry();
      if ((fds[0].revents & POLLIN) != 0) accept_one();
    }
  }
  void carry() {
    std::size_t no_limit = npos;
    for (auto& link : links_) {
      link->dead = cut_;
      if (frozen_ || link->dead) continue;
      const bool up_open = read_from(link->up);
      const bool open = read_from(link->down) && up_open;
      const bool carried = write_to(link->up, link->left) && write_to(link->down, no_limit);
      link->dead = !carried || (!open && link->up.under_way.empty() && link->down.under_way.empty());
    }
    cut_ = false;
    for (auto& link : links_) {
      if (link->dead) link->close();
    }
    std::erase_if(links_, [](const auto& link) { return link->dead; });
  }

  const std::uint16_t server_port_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  int wake_[2] = {-1, -1};
  std::thread thread_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Link>> links_;
  std::size_t connections_ = 0;
  std::size_t reset_after_ = npos;
  std::size_t piece_ = 16384;
  std::chrono::milliseconds delay_{0};
  bool frozen_ = false;
  bool cut_ = false;
  bool ending_ = false;
};

}  // namespace headrace::test
