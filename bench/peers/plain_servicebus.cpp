#include "peers/plain_servicebus.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <proton/connection.h>
#include <proton/delivery.h>
#include <proton/event.h>
#include <proton/message.h>
#include <proton/sasl.h>
#include <proton/session.h>
#include <proton/terminus.h>
#include <proton/transport.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <stdexcept>
#include <utility>

namespace headrace::bench {
namespace {

using MessageHandle = std::unique_ptr<pn_message_t, decltype(&pn_message_free)>;

[[noreturn]] void stuck(const char* where) { throw std::runtime_error(std::string("servicebus: ") + where); }

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) stuck("no connection");
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  return fd;
}

/// The bytes of one message; empty where it does not fit.
void encode(pn_message_t* message, std::string& into) {
  into.resize(4'096);
  std::size_t size = into.size();
  if (pn_message_encode(message, into.data(), &size) != 0) stuck("encoding");
  into.resize(size);
}

}  // namespace

PlainServiceBus::PlainServiceBus(std::uint16_t port, const std::string& key, std::string queue)
    : fd_(connect_to(port)), queue_(std::move(queue)) {
  if (pn_connection_driver_init(&driver_, nullptr, nullptr) != 0) stuck("no driver");
  pn_connection_set_container(driver_.connection, "plain");
  pn_connection_set_hostname(driver_.connection, "127.0.0.1");
  pn_connection_set_user(driver_.connection, "root");
  pn_connection_set_password(driver_.connection, key.c_str());
  pn_sasl_allowed_mechs(pn_sasl(driver_.transport), "PLAIN");
  pn_sasl_set_allow_insecure_mechs(pn_sasl(driver_.transport), true);
  pn_transport_set_max_frame(driver_.transport, 65'536);
  pn_connection_driver_bind(&driver_);
  pn_connection_open(driver_.connection);
  session_ = pn_session(driver_.connection);
  pn_session_open(session_);
  while ((pn_session_state(session_) & PN_REMOTE_ACTIVE) == 0) exchange();
}

PlainServiceBus::~PlainServiceBus() {
  pn_connection_driver_destroy(&driver_);
  ::close(fd_);
}

void PlainServiceBus::exchange() {
  bool moved = false;
  for (pn_bytes_t out = pn_connection_driver_write_buffer(&driver_); out.size > 0;
       out = pn_connection_driver_write_buffer(&driver_)) {
    const ssize_t put = ::send(fd_, out.start, out.size, MSG_NOSIGNAL);
    if (put <= 0) break;
    pn_connection_driver_write_done(&driver_, static_cast<std::size_t>(put));
  }
  for (pn_rwbytes_t in = pn_connection_driver_read_buffer(&driver_); in.size > 0;
       in = pn_connection_driver_read_buffer(&driver_)) {
    const ssize_t got = ::recv(fd_, in.start, in.size, 0);
    if (got < 0 && errno == EAGAIN) break;
    if (got <= 0) stuck("the connection broke");
    pn_connection_driver_read_done(&driver_, static_cast<std::size_t>(got));
    while (pn_event_t* event = pn_connection_driver_next_event(&driver_)) {
      take(event);
      moved = true;
    }
  }
  while (pn_event_t* event = pn_connection_driver_next_event(&driver_)) {
    take(event);
    moved = true;
  }
  if (moved) return;
  const bool writes = pn_connection_driver_write_buffer(&driver_).size > 0;
  pollfd ready{fd_, static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN), 0};
  if (::poll(&ready, 1, 60'000) == 0) stuck("no answer");
}

void PlainServiceBus::take(pn_event_t* event) {
  switch (pn_event_type(event)) {
    case PN_CONNECTION_REMOTE_CLOSE:
      if ((pn_connection_state(driver_.connection) & PN_LOCAL_CLOSED) != 0) return;
      [[fallthrough]];
    case PN_LINK_REMOTE_CLOSE:
    case PN_TRANSPORT_ERROR:
      stuck("closed");
    case PN_DELIVERY: {
      pn_delivery_t* const delivery = pn_event_delivery(event);
      if (pn_link_is_receiver(pn_delivery_link(delivery)) && pn_delivery_readable(delivery)) {
        received(delivery);
      } else if (pn_delivery_updated(delivery) && pn_delivery_remote_state(delivery) == PN_ACCEPTED) {
        pn_delivery_settle(delivery);
        ++confirmed_;
      } else if (pn_delivery_updated(delivery) && pn_delivery_settled(delivery)) {
        pn_delivery_settle(delivery);
        ++confirmed_;
      }
      return;
    }
    default:
      return;
  }
}

void PlainServiceBus::received(pn_delivery_t* delivery) {
  if (pn_delivery_partial(delivery)) return;
  buffer_.resize(pn_delivery_pending(delivery));
  (void)pn_link_recv(pn_delivery_link(delivery), buffer_.data(), buffer_.size());
  pn_link_advance(pn_delivery_link(delivery));
  static const MessageHandle message(pn_message(), &pn_message_free);
  if (pn_message_decode(message.get(), buffer_.data(), buffer_.size()) != 0) stuck("decoding");
  pn_delivery_update(delivery, PN_ACCEPTED);
  ++received_;
}

void PlainServiceBus::publish(std::size_t messages, std::size_t window, std::size_t body_bytes) {
  link_ = pn_sender(session_, "plain-send");
  pn_terminus_set_address(pn_link_target(link_), queue_.c_str());
  pn_terminus_set_address(pn_link_source(link_), "plain");
  pn_link_set_snd_settle_mode(link_, PN_SND_UNSETTLED);
  pn_link_open(link_);
  const MessageHandle message(pn_message(), &pn_message_free);
  std::deque<std::string> unconfirmed;
  const std::string body(body_bytes, 'x');
  confirmed_ = 0;
  std::string bytes;
  for (std::size_t sent = 0; confirmed_ < messages;) {
    const std::size_t before = confirmed_;
    while (sent < messages && sent - confirmed_ < window && pn_link_credit(link_) > 0) {
      unconfirmed.emplace_back(body);
      pn_message_clear(message.get());
      pn_message_set_inferred(message.get(), true);
      const std::string id = "plain-" + std::to_string(sent);
      pn_message_set_id(message.get(), {PN_STRING, {.as_bytes = {id.size(), id.data()}}});
      pn_message_set_subject(message.get(), "plain");
      pn_data_put_binary(pn_message_body(message.get()), {body.size(), body.data()});
      encode(message.get(), bytes);
      pn_delivery(link_, {sizeof sent, reinterpret_cast<const char*>(&sent)});
      pn_link_send(link_, bytes.data(), bytes.size());
      pn_link_advance(link_);
      ++sent;
    }
    exchange();
    for (std::size_t i = before; i < confirmed_; ++i) unconfirmed.pop_front();
  }
}

void PlainServiceBus::attach() {
  link_ = pn_receiver(session_, "plain-receive");
  pn_terminus_set_address(pn_link_source(link_), queue_.c_str());
  pn_terminus_set_address(pn_link_target(link_), "plain");
  pn_link_set_snd_settle_mode(link_, PN_SND_UNSETTLED);
  pn_link_set_rcv_settle_mode(link_, PN_RCV_SECOND);
  pn_link_open(link_);
  while ((pn_link_state(link_) & PN_REMOTE_ACTIVE) == 0) exchange();
}

void PlainServiceBus::consume(std::size_t messages, std::size_t credit) {
  confirmed_ = received_ = 0;
  pn_link_flow(link_, static_cast<int>(credit));
  while (confirmed_ < messages) {
    exchange();
    const std::size_t out = received_ - confirmed_ + static_cast<std::size_t>(pn_link_credit(link_));
    const std::size_t room = credit > out ? credit - out : 0;
    if (4 * room >= credit && room > 0) pn_link_flow(link_, static_cast<int>(room));
  }
  close();
}

void PlainServiceBus::close() {
  pn_connection_close(driver_.connection);
  while ((pn_connection_state(driver_.connection) & PN_REMOTE_CLOSED) == 0) exchange();
}

}  // namespace headrace::bench
