#include "connection.hpp"

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <sys/socket.h>

#include <utility>

namespace headrace::rabbitmq {
namespace {

timeval to_timeval(std::chrono::milliseconds time) {
  return {static_cast<time_t>(time.count() / 1000), static_cast<suseconds_t>(time.count() % 1000 * 1000)};
}

amqp_table_entry_t entry(const char* name, bool value) {
  amqp_table_entry_t made{};
  made.key = amqp_cstring_bytes(name);
  made.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  made.value.value.boolean = value ? 1 : 0;
  return made;
}

/// What another attempt will be told again: access, names, properties. A queue whose node is away comes back.
bool is_for_good(int code, std::string_view text) {
  if (code == AMQP_NOT_FOUND) return text.find("down or inaccessible") == std::string_view::npos;
  return code == AMQP_ACCESS_REFUSED || code == AMQP_PRECONDITION_FAILED || code == AMQP_NOT_ALLOWED;
}

bool is_of_certificates(int code) {
  return code == AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED || code == AMQP_STATUS_SSL_PEER_VERIFY_FAILED;
}

}  // namespace

void Breaker::cut() {
  const std::scoped_lock lock(mutex_);
  if (fd_ >= 0) ::shutdown(fd_, SHUT_RDWR);
}

Connection::~Connection() {
  // Before the socket is closed: its number may be another's then.
  if (state_ && breaker_ != nullptr) breaker_->watch(-1);
}

Result<Connection> Connection::open(const RabbitAddress& address, const RabbitOptions& options, Breaker& breaker) {
  Connection connection(address.text());
  if (!connection.state_) return Error{"no memory for a connection", address.text(), Error::Retry::maybe};
  const timeval patience = to_timeval(options.answer_timeout);
  amqp_set_handshake_timeout(connection.get(), &patience);
  amqp_set_rpc_timeout(connection.get(), &patience);
  if (Status opened = connection.open_socket(address, options); !opened) return opened.error();
  connection.breaker_ = &breaker;
  breaker.watch(connection.fd());
  if (Status in = connection.log_in(address, options); !in) return in.error();
  amqp_channel_open(connection.get(), kChannel);
  if (Status opened = connection.answer("opening a channel"); !opened) return opened.error();
  return connection;
}

Status Connection::open_socket(const RabbitAddress& address, const RabbitOptions& options) const {
  amqp_socket_t* socket = address.tls ? amqp_ssl_socket_new(get()) : amqp_tcp_socket_new(get());
  if (socket == nullptr) return Error{"no memory for a socket", where_, Error::Retry::maybe};
  if (address.tls) {
    const RabbitTls& tls = options.tls;
    amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
    amqp_ssl_socket_set_verify_peer(socket, tls.verify != TlsVerify::nothing);
    amqp_ssl_socket_set_verify_hostname(socket, tls.verify == TlsVerify::chain_and_name);
    if (tls.verify != TlsVerify::nothing && amqp_ssl_socket_set_cacert(socket, tls.ca_file.c_str()) != 0) {
      return Error{"cannot read the CA's certificate", tls.ca_file};
    }
    if (!tls.certificate_file.empty() &&
        amqp_ssl_socket_set_key(socket, tls.certificate_file.c_str(), tls.key_file.c_str()) != 0) {
      return Error{"cannot read the certificate or its key", tls.certificate_file};
    }
  }
  const timeval patience = to_timeval(options.connect_timeout);
  const int code = amqp_socket_open_noblock(socket, address.host.c_str(), address.port, &patience);
  if (code == AMQP_STATUS_OK) return Nothing{};
  return Error{amqp_error_string2(code), where_,
               is_of_certificates(code) ? Error::Retry::no : Error::Retry::maybe};
}

Status Connection::log_in(const RabbitAddress& address, const RabbitOptions& options) const {
  amqp_table_entry_t can[] = {entry("publisher_confirms", true), entry("basic.nack", true),
                              entry("consumer_cancel_notify", true), entry("connection.blocked", true)};
  amqp_table_entry_t properties[2] = {};
  properties[0].key = amqp_cstring_bytes("capabilities");
  properties[0].value.kind = AMQP_FIELD_KIND_TABLE;
  properties[0].value.value.table = {4, can};
  properties[1].key = amqp_cstring_bytes("connection_name");
  properties[1].value.kind = AMQP_FIELD_KIND_UTF8;
  properties[1].value.value.bytes = bytes_of(options.connection_name);
  const amqp_table_t table{2, properties};
  const auto reply = amqp_login_with_properties(
      get(), address.vhost.c_str(), 0, AMQP_DEFAULT_FRAME_SIZE, static_cast<int>(options.heartbeat.count()),
      &table, AMQP_SASL_METHOD_PLAIN, address.user.c_str(), address.password.c_str());
  return to_status(reply, "logging in");
}

Status Connection::to_status(const amqp_rpc_reply_t& reply, std::string_view doing) const {
  switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
      return Nothing{};
    case AMQP_RESPONSE_SERVER_EXCEPTION:
      return closed_by(reply.reply, doing);
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
      return Error{std::string(doing) + ": " + amqp_error_string2(reply.library_error), where_,
                   Error::Retry::maybe};
    case AMQP_RESPONSE_NONE:
      break;
  }
  return Error{std::string(doing) + ": the server hung up", where_, Error::Retry::maybe};
}

Status Connection::sent(int code) const {
  if (code == AMQP_STATUS_OK) return Nothing{};
  return Error{amqp_error_string2(code), where_, Error::Retry::maybe};
}

Error Connection::closed_by(const amqp_method_t& method, std::string_view doing) const {
  int code = 0;
  std::string_view text = "a strange answer";
  if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_channel_close_t*>(method.decoded);
    code = close->reply_code;
    text = text_of(close->reply_text);
  } else if (method.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto* close = static_cast<const amqp_connection_close_t*>(method.decoded);
    code = close->reply_code;
    text = text_of(close->reply_text);
  }
  return Error{std::string(doing) + ": the server says " + std::to_string(code) + " " + std::string(text), where_,
               is_for_good(code, text) ? Error::Retry::no : Error::Retry::maybe};
}

void Connection::close() { amqp_connection_close(get(), AMQP_REPLY_SUCCESS); }

}  // namespace headrace::rabbitmq
