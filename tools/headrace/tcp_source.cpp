#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdio>
#include <vector>

#include "descriptor.hpp"
#include "source.hpp"
#include "system_error.hpp"

namespace headrace::program {
namespace {

constexpr std::size_t kSocketChunkBytes = std::size_t{64} << 10U;
constexpr std::size_t kConnectionsMax = 64;  // at once; others wait in the kernel's queue

struct Connection {
  Descriptor socket;
  std::string peer;
  std::unique_ptr<Decoder> decoder;
};

Result<Descriptor> listen_on(const SourceConfig& config) {
  const std::string where = fmt::format("{}:{}", config.host, config.port);
  const bool six = config.host == "[::1]";
  Descriptor listener(::socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (listener.get() < 0) return Error{system_error("cannot make a socket"), where};
  const int yes = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(config.port);
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(config.port);
  v6.sin6_addr = in6addr_loopback;
  auto* address = six ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
  socklen_t length = six ? sizeof v6 : sizeof v4;
  if (::bind(listener.get(), address, length) != 0 || ::listen(listener.get(), 16) != 0) {
    return Error{system_error("cannot listen"), where, Error::Retry::maybe};
  }
  ::getsockname(listener.get(), address, &length);
  // To stderr at once: with port 0, whoever started the program learns the port from here.
  fmt::print(stderr, "listening on {}:{}\n", config.host, ntohs(six ? v6.sin6_port : v4.sin_port));
  std::fflush(stderr);
  return listener;
}

/// True while the connection lives.
bool receive(Connection& connection, std::vector<char>& chunk, SourceSink& sink, Flow& flow) {
  const ssize_t got = ::recv(connection.socket.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  sink.on_origin(connection.peer);
  // A connection that breaks has sent what it has sent; its last line counts like that of one that closes.
  flow = got > 0 ? connection.decoder->feed({chunk.data(), static_cast<std::size_t>(got)}, sink)
                 : connection.decoder->finish(sink);
  return got > 0;
}

}  // namespace

Status read_tcp(const SourceConfig& config, SchemaPool& schemas, const Interrupt& interrupt, SourceSink& sink) {
  auto listening = listen_on(config);
  if (!listening) return listening.error();
  const Descriptor listener = std::move(*listening);
  std::vector<Connection> connections;
  std::vector<pollfd> ready;
  std::vector<char> chunk(kSocketChunkBytes);
  std::uint64_t accepted = 0;
  while (true) {
    const bool more_wanted = config.connections == 0 || accepted < config.connections;
    if (!more_wanted && connections.empty()) return Nothing{};
    const bool accepting = more_wanted && connections.size() < kConnectionsMax;
    ready.assign({{interrupt.descriptor(), POLLIN, 0}, {accepting ? listener.get() : -1, POLLIN, 0}});
    for (const Connection& connection : connections) ready.push_back({connection.socket.get(), POLLIN, 0});
    const int polled = ::poll(ready.data(), ready.size(), -1);
    if (interrupt.raised()) return Nothing{};
    if (polled <= 0) continue;
    for (std::size_t i = connections.size(); i-- > 0;) {
      if (ready[i + 2].revents == 0) continue;
      Flow flow = Flow::go_on;
      const bool alive = receive(connections[i], chunk, sink, flow);
      if (flow == Flow::stop) return Nothing{};
      if (!alive) connections.erase(connections.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (ready[1].revents != 0) {
      Descriptor socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (socket.get() < 0) continue;
      ++accepted;
      connections.push_back(
          {std::move(socket), fmt::format("connection {}", accepted), make_decoder(config, schemas)});
    }
  }
}

}  // namespace headrace::program
