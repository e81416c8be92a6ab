#include "connection.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "headrace/port/connect_tcp.hpp"
#include "tls_files.hpp"

namespace headrace::mqtt {
namespace {

using adapter_support::SocketStream;
using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr std::size_t kReadsMax = 16;    ///< before what was read is looked at
constexpr milliseconds kGoodbye{1'000};  ///< for the broker to hang up

/// What another attempt would be told again: the first four of MQTT 3.1.1, the others of MQTT 5.
bool is_refused_for_good(unsigned code) {
  constexpr std::array<unsigned, 13> kForGood{1, 2, 4, 5, 0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c, 0x95, 0x9a, 0x9b};
  return std::ranges::find(kForGood, code) != kForGood.end();
}

}  // namespace

std::string reason_text(unsigned code) {
  constexpr std::pair<unsigned, std::string_view> kTexts[] = {{1, "unacceptable protocol version"},
                                                              {2, "client id rejected"},
                                                              {3, "server unavailable"},
                                                              {4, "bad user name or password"},
                                                              {5, "not authorised"},
                                                              {0x80, "unspecified error"},
                                                              {0x83, "implementation specific error"},
                                                              {0x84, "unsupported protocol version"},
                                                              {0x85, "client id not valid"},
                                                              {0x86, "bad user name or password"},
                                                              {0x87, "not authorised"},
                                                              {0x88, "server unavailable"},
                                                              {0x89, "server busy"},
                                                              {0x8a, "banned"},
                                                              {0x8b, "server shutting down"},
                                                              {0x8d, "keep-alive timeout"},
                                                              {0x8e, "session taken over"},
                                                              {0x8f, "topic filter invalid"},
                                                              {0x90, "topic name invalid"},
                                                              {0x91, "packet identifier in use"},
                                                              {0x95, "packet too large"},
                                                              {0x97, "quota exceeded"},
                                                              {0x99, "payload format invalid"},
                                                              {0x9a, "retained messages not supported"},
                                                              {0x9b, "QoS not supported"},
                                                              {0x9e, "shared subscriptions not supported"}};
  const auto* at = std::ranges::find(kTexts, code, &std::pair<unsigned, std::string_view>::first);
  return std::to_string(code) + (at == std::end(kTexts) ? "" : " " + std::string(at->second));
}

bool is_for_now(unsigned code) {
  // 0x80 says nothing, and with MQTT 3.1.1 it is all that a broker can say, whose rights do not change by themselves.
  constexpr std::array<unsigned, 3> kForNow{0x83, 0x91, 0x97};
  return std::ranges::find(kForNow, code) != kForNow.end();
}

Connection::Connection(SocketStream stream, std::string where, const MqttOptions& options)
    : stream_(std::move(stream)),
      where_(std::move(where)),
      v5_(options.version == MqttVersion::v5),
      keep_alive_(options.keep_alive),
      packet_bytes_max_(options.packet_bytes_max),
      sent_at_(Clock::now()),
      heard_at_(sent_at_) {}

Result<Connection> Connection::open(const MqttAddress& address, const MqttOptions& options,
                                    const Greeting& greeting, ConnectionLoop& loop) {
  auto fd = connect_tcp(address.host, address.port, options.connect_timeout, address.text());
  if (!fd) return fd.error();
  SocketStream stream(*fd, SocketStream::Closes::yes, address.text(), "the broker");
  if (address.tls) {
    const std::string& name = options.tls.server_name.empty() ? address.host : options.tls.server_name;
    if (Status secured = stream.secure(name, files_of(options.tls)); !secured) return secured.error();
  }
  Connection connection(std::move(stream), address.text(), options);
  if (Status greeted = connection.greet(address, options, greeting, loop); !greeted) return greeted.error();
  return connection;
}

Status Connection::greet(const MqttAddress& address, const MqttOptions& options, const Greeting& greeting,
                         ConnectionLoop& loop) {
  append_connect(address, options, greeting, out_);
  const auto until = Clock::now() + options.answer_timeout;
  for (loop.waker()->begin(); !loop.halting(); loop.waker()->begin()) {
    if (Status moved = exchange(); !moved) return moved;
    auto packet = next();
    if (!packet) return packet.error();
    if (*packet) {
      if ((**packet).type != PacketType::connack) return nonsense("something before the answer to the connect");
      return read_answer(**packet);
    }
    if (Clock::now() >= until) return Error{"no answer to the connect", where_, Error::Retry::maybe};
    loop.waker()->wait(stream_.fd(),
                       std::max(std::chrono::duration_cast<milliseconds>(until - Clock::now()), milliseconds(1)));
  }
  return Error{"stopped", where_, Error::Retry::maybe};
}

Status Connection::read_answer(const Packet& connack) {
  const auto welcome = read_connack(connack.body, v5_);
  if (!welcome) return nonsense("an answer to the connect that cannot be read");
  if (welcome->reason != 0) {
    return Error{"the broker refuses the connection: " + reason_text(welcome->reason), where_,
                 is_refused_for_good(welcome->reason) ? Error::Retry::no : Error::Retry::maybe};
  }
  limits_ = welcome->limits;
  session_present_ = welcome->session_present;
  if (welcome->keep_alive) keep_alive_ = *welcome->keep_alive;
  return Nothing{};
}

Status Connection::exchange() {
  if (Status alive = keep_alive(); !alive) return alive;
  if (Status sent = flush(); !sent) return sent;
  return fill();
}

Status Connection::flush() {
  std::size_t sent = 0;
  while (sent < out_.size()) {
    const auto put = stream_.send(std::string_view(out_).substr(sent));
    if (!put) return put.error();
    if (*put == 0) break;
    sent += *put;
    sent_at_ = Clock::now();
  }
  out_.erase(0, sent);
  return Nothing{};
}

Status Connection::fill() {
  for (std::size_t reads = 0; reads < kReadsMax; ++reads) {
    const std::span<char> room = in_.room(kReadBytes);
    const auto got = stream_.receive(room);
    if (!got) return got.error();
    if (*got == 0) return Nothing{};
    in_.came(*got);
    heard_at_ = Clock::now();
    // TLS gives a record at a time; a socket all that it has.
    if (*got < room.size() && !stream_.is_tls()) return Nothing{};
  }
  return Nothing{};
}

Status Connection::keep_alive() {
  const auto now = Clock::now();
  if (now - heard_at_ > keep_alive_ + keep_alive_ / 2) {
    return Error{"the broker is silent", where_, Error::Retry::maybe};
  }
  // Also while only the other side is silent, so that it says something.
  if (now - std::min(sent_at_, heard_at_) >= keep_alive_ / 2 && now - sent_at_ >= keep_alive_ / 4) {
    PacketWriter().finish(PacketType::ping_request, 0, out_);
    sent_at_ = now;
  }
  return Nothing{};
}

/// The rest of a message whose head was enough; false while it is not all there.
bool Connection::read_over() {
  const std::size_t here = std::min(beyond_, in_.unread().size());
  in_.take(here);
  beyond_ -= here;
  return beyond_ == 0;
}

Result<std::optional<Packet>> Connection::next() {
  while (true) {
    if (!read_over()) return std::optional<Packet>();
    std::string_view rest = in_.unread();
    const std::size_t before = rest.size();
    bool bad = false;
    auto packet = take_packet(rest, packet_bytes_max_, bad);
    if (bad && !v5_) packet = take_head(rest, bad);
    if (packet) beyond_ = packet->beyond;
    if (bad) return nonsense("a packet that is too large, or none");
    in_.take(before - rest.size());
    if (!packet || packet->type != PacketType::ping_response) return packet;
  }
}

void Connection::wait(Waker& waker, milliseconds at_most) const {
  const bool sends = !out_.empty() && !stream_.receives_first();
  waker.wait(stream_.fd(), std::min(keep_alive_ / 4, at_most),
             sends ? Waker::Until::readable_or_writable : Waker::Until::readable);
}

void Connection::close(Session session) {
  append_disconnect(v5_ && session == Session::ends, out_);
  (void)flush();
  // What the broker still sends must not make a reset of the close, which might overtake the above.
  stream_.shut_down();
  pollfd ready{stream_.fd(), POLLIN, 0};
  const auto until = Clock::now() + kGoodbye;
  while (Clock::now() < until && ::poll(&ready, 1, static_cast<int>(kGoodbye.count())) > 0) {
    char dropped[4096];
    if (::recv(stream_.fd(), dropped, sizeof dropped, 0) <= 0) break;
  }
}

Error Connection::closed_by(const Packet& disconnect) const {
  PacketReader reader(disconnect.body);
  const unsigned code = reader.at_end() ? 0 : reader.byte();
  return Error{"the broker closes the connection: " + reason_text(code), where_, Error::Retry::maybe};
}

Error Connection::nonsense(std::string_view what) const {
  return Error{"the broker sent " + std::string(what), where_, Error::Retry::maybe};
}

}  // namespace headrace::mqtt
