#include "connection.hpp"

#include <poll.h>
#include <proton/connection.h>
#include <proton/sasl.h>
#include <proton/session.h>
#include <proton/ssl.h>
#include <proton/terminus.h>
#include <proton/transport.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "headrace/port/connect_tcp.hpp"
#include "proton.hpp"

namespace headrace::servicebus {
namespace {

using std::chrono::milliseconds;

constexpr unsigned kReadsMax = 16;           ///< before what was read is looked at, and what waits is sent
constexpr std::uint32_t kFrameMax = 65'536;  ///< as Service Bus has it; larger messages come in several
constexpr milliseconds kGoodbye{1'000};      ///< for the peer to hang up

/// What another attempt would be told again.
bool is_for_good(std::string_view condition) {
  constexpr std::array<std::string_view, 8> kForGood{"amqp:unauthorized-access",  "amqp:not-found",
                                                     "amqp:not-allowed",          "amqp:not-implemented",
                                                     "amqp:invalid-field",        "com.microsoft:argument-error",
                                                     "com.microsoft:auth-failed", "com.microsoft:entity-disabled"};
  return std::ranges::find(kForGood, condition) != kForGood.end();
}

bool is_taken(pn_link_t* link) {
  pn_terminus_t* end = pn_link_is_sender(link) ? pn_link_remote_target(link) : pn_link_remote_source(link);
  return pn_terminus_get_type(end) != PN_UNSPECIFIED;
}

}  // namespace

Connection::Connection(int fd, const ServiceBusAddress& address, const ServiceBusOptions& options,
                       ConnectionLoop& loop)
    : fd_(fd), where_(address.text()), answer_timeout_(options.answer_timeout), loop_(loop) {
  const int made = pn_connection_driver_init(&driver_, nullptr, nullptr);
  HEADRACE_CHECK("servicebus.driver", made == 0, "no memory is left");
}

Connection::~Connection() {
  pn_connection_driver_destroy(&driver_);
  ::close(fd_);
}

Result<std::unique_ptr<Connection>> Connection::open(const ServiceBusAddress& address,
                                                     const ServiceBusOptions& options, ConnectionLoop& loop) {
  auto fd = connect_tcp(address.login.host, address.port, options.connect_timeout, address.text());
  if (!fd) return fd.error();
  std::unique_ptr<Connection> connection(new Connection(*fd, address, options, loop));
  if (Status set = connection->set_up(address, options); !set) return set.error();
  return connection;
}

Status Connection::set_up(const ServiceBusAddress& address, const ServiceBusOptions& options) {
  pn_connection_t* const connection = driver_.connection;
  pn_connection_set_container(connection, options.connection_name.c_str());
  pn_connection_set_hostname(connection, address.login.host.c_str());
  pn_transport_set_max_frame(driver_.transport, kFrameMax);
  pn_transport_set_idle_timeout(driver_.transport,
                                static_cast<pn_millis_t>(2 * milliseconds(options.heartbeat).count()));
  if (options.login == Login::plain) {
    pn_connection_set_user(connection, address.login.key_name.c_str());
    pn_connection_set_password(connection, address.login.key.c_str());
  }
  pn_sasl_t* const sasl = pn_sasl(driver_.transport);
  pn_sasl_allowed_mechs(sasl, options.login == Login::plain ? "PLAIN" : "ANONYMOUS");
  pn_sasl_set_allow_insecure_mechs(sasl, !address.tls);
  if (address.tls) {
    if (Status set = set_up_tls(address, options); !set) return set;
  }
  pn_connection_driver_bind(&driver_);
  pn_connection_open(connection);
  session_ = pn_session(connection);
  pn_session_open(session_);
  return Nothing{};
}

Status Connection::set_up_tls(const ServiceBusAddress& address, const ServiceBusOptions& options) {
  const std::unique_ptr<pn_ssl_domain_t, decltype(&pn_ssl_domain_free)> domain(pn_ssl_domain(PN_SSL_MODE_CLIENT),
                                                                               &pn_ssl_domain_free);
  if (domain == nullptr || pn_ssl_domain_set_trusted_ca_db(domain.get(), options.ca_file.c_str()) != 0) {
    return Error{"cannot read the trusted certificates of " + options.ca_file, where_};
  }
  pn_ssl_t* const ssl = pn_ssl(driver_.transport);
  if (pn_ssl_domain_set_peer_authentication(domain.get(), PN_SSL_VERIFY_PEER_NAME, nullptr) != 0 ||
      pn_ssl_domain_set_protocols(domain.get(), "TLSv1.2 TLSv1.3") != 0 ||
      pn_ssl_init(ssl, domain.get(), nullptr) != 0 ||
      pn_ssl_set_peer_hostname(ssl, address.login.host.c_str()) != 0) {
    return Error{"cannot set up TLS", where_};
  }
  return Nothing{};
}

void Connection::watch(pn_link_t* link, LinkEvents& events) { pn_link_set_context(link, &events); }
void Connection::forget(pn_link_t* link) { pn_link_set_context(link, nullptr); }

Result<bool> Connection::exchange() {
  auto got = read();
  while (pn_event_t* event = pn_connection_driver_next_event(&driver_)) handle(event);
  if (failure_) return *failure_;
  if (!got) return got.error();
  const auto now = std::chrono::duration_cast<milliseconds>(Clock::now().time_since_epoch());
  pn_transport_tick(driver_.transport, now.count());
  auto put = write();
  if (!put) return put.error();
  if (pn_connection_driver_finished(&driver_)) {
    return Error{"the server closed the connection", where_, Error::Retry::maybe};
  }
  return *got || *put || pn_connection_driver_has_event(&driver_);
}

Result<bool> Connection::read() {
  bool got_some = false;
  for (unsigned reads = 0; reads < kReadsMax; ++reads) {
    const pn_rwbytes_t room = pn_connection_driver_read_buffer(&driver_);
    if (room.size == 0) break;
    const ssize_t got = ::recv(fd_, room.start, room.size, 0);
    if (got > 0) {
      pn_connection_driver_read_done(&driver_, static_cast<std::size_t>(got));
      got_some = true;
      while (pn_event_t* event = pn_connection_driver_next_event(&driver_)) handle(event);
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    pn_connection_driver_read_close(&driver_);
    return Error{got == 0 ? "the server closed the connection" : std::strerror(errno), where_,
                 Error::Retry::maybe};
  }
  return got_some;
}

Result<bool> Connection::write() {
  bool put_some = false;
  for (;;) {
    const pn_bytes_t bytes = pn_connection_driver_write_buffer(&driver_);
    if (bytes.size == 0) return put_some;
    const ssize_t put = ::send(fd_, bytes.start, bytes.size, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) return put_some;
    if (put < 0) return Error{std::strerror(errno), where_, Error::Retry::maybe};
    pn_connection_driver_write_done(&driver_, static_cast<std::size_t>(put));
    put_some = true;
  }
}

void Connection::wait(milliseconds most) {
  const bool writes = pn_connection_driver_write_buffer(&driver_).size > 0;
  loop_.waker()->wait(fd_, most, writes ? Waker::Until::readable_or_writable : Waker::Until::readable);
}

void Connection::fail(Error error) {
  if (!failure_) failure_ = std::move(error);
}

/// What had been allowed may be allowed again, with a new token: the next attempt tells.
void Connection::closed(Error reason) {
  if (was_taken_) reason.retry = Error::Retry::maybe;
  fail(std::move(reason));
}

Error Connection::late(std::string_view doing) const {
  return Error{"no answer in time while " + std::string(doing), where_, Error::Retry::maybe};
}

Error Connection::error_of(pn_condition_t* condition, std::string_view otherwise) const {
  if (!pn_condition_is_set(condition)) return Error{std::string(otherwise), where_, Error::Retry::maybe};
  const std::string_view name = text_of(pn_condition_get_name(condition));
  const std::string_view words = text_of(pn_condition_get_description(condition));
  const bool bad_certificate = words.find("certificate verify failed") != std::string_view::npos;
  return Error{std::string(name) + (words.empty() ? "" : ": ") + std::string(words), where_,
               is_for_good(name) || bad_certificate ? Error::Retry::no : Error::Retry::maybe};
}

void Connection::handle(pn_event_t* event) {
  switch (pn_event_type(event)) {
    case PN_CONNECTION_REMOTE_CLOSE:
      return closed(
          error_of(pn_connection_remote_condition(driver_.connection), "the server closed the connection"));
    case PN_SESSION_REMOTE_CLOSE:
      return closed(error_of(pn_session_remote_condition(session_), "the server ended the session"));
    case PN_TRANSPORT_ERROR:
      return fail(error_of(pn_transport_condition(driver_.transport), "the connection broke"));
    case PN_LINK_REMOTE_OPEN: {
      pn_link_t* const link = pn_event_link(event);
      if (auto* events = static_cast<LinkEvents*>(pn_link_get_context(link));
          events != nullptr && is_taken(link)) {
        was_taken_ = true;
        events->opened(link);
      }
      return;
    }
    case PN_LINK_REMOTE_CLOSE:
    case PN_LINK_REMOTE_DETACH:
      return handle_closed(pn_event_link(event));
    case PN_DELIVERY: {
      pn_delivery_t* const delivery = pn_event_delivery(event);
      auto* events = static_cast<LinkEvents*>(pn_link_get_context(pn_delivery_link(delivery)));
      if (events != nullptr) events->delivered(delivery);
      return;
    }
    default:
      return;
  }
}

void Connection::handle_closed(pn_link_t* link) {
  auto* events = static_cast<LinkEvents*>(pn_link_get_context(link));
  if (events == nullptr) return;  // we had closed it ourselves
  Error reason = error_of(pn_link_remote_condition(link), "the server ended the link");
  // What it had taken it may take again: whether it is for good, the next attempt tells.
  if (is_taken(link)) reason.retry = Error::Retry::maybe;
  if (Status went_on = events->closed(link, std::move(reason)); !went_on) fail(went_on.error());
}

void Connection::close() {
  pn_connection_close(driver_.connection);
  const auto deadline = Clock::now() + kGoodbye;
  while (Clock::now() < deadline) {
    const auto moved = exchange();
    if (!moved) return;  // also when it hangs up
    if (!*moved) {
      pollfd ready{fd_, POLLIN, 0};
      ::poll(&ready, 1, static_cast<int>(kGoodbye.count()));
    }
  }
}

}  // namespace headrace::servicebus
