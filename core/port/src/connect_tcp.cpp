#include "headrace/port/connect_tcp.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace headrace {
namespace {

/// Waits for a connection that was begun; 0, or what went wrong.
int await_connection(int fd, std::chrono::milliseconds deadline) {
  pollfd ready{fd, POLLOUT, 0};
  const auto end = std::chrono::steady_clock::now() + deadline;
  for (auto left = deadline;;) {
    const int answered = ::poll(&ready, 1, static_cast<int>(left.count()));
    if (answered > 0) break;
    if (answered == 0 || errno != EINTR) return ETIMEDOUT;
    left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() < 0) return ETIMEDOUT;
  }
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

Result<int> connect_tcp(const std::string& host, std::uint16_t port, std::chrono::milliseconds deadline,
                        const std::string& where) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0) return Error{::gai_strerror(code), where, Error::Retry::maybe};
  int error = 0;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    const int fd = ::socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, at->ai_protocol);
    if (fd < 0) {
      error = errno;
      continue;
    }
    error = ::connect(fd, at->ai_addr, at->ai_addrlen) == 0 ? 0 : errno;
    if (error == EINPROGRESS) error = await_connection(fd, deadline);
    if (error == 0) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ::freeaddrinfo(found);
      return fd;
    }
    ::close(fd);
  }
  ::freeaddrinfo(found);
  return Error{std::strerror(error), where, Error::Retry::maybe};
}

}  // namespace headrace
