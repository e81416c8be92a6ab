#include "peers/plain_rabbit.hpp"

#include <amqp_tcp_socket.h>

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <utility>

namespace headrace::bench {
namespace {

amqp_bytes_t text(const std::string& of) { return {of.size(), const_cast<char*>(of.data())}; }

}  // namespace

PlainRabbit::PlainRabbit(std::uint16_t port, std::string queue)
    : state_(amqp_new_connection()), queue_(std::move(queue)) {
  amqp_socket_t* socket = amqp_tcp_socket_new(state_);
  if (amqp_socket_open(socket, "127.0.0.1", port) != AMQP_STATUS_OK)
    throw std::runtime_error("rabbitmq: no connection");
  // Its answer is not what amqp_get_rpc_reply() tells.
  const amqp_rpc_reply_t in = amqp_login(state_, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
  if (in.reply_type != AMQP_RESPONSE_NORMAL) throw std::runtime_error("rabbitmq: login");
  amqp_channel_open(state_, 1);
  answered("channel");
  amqp_queue_declare(state_, 1, text(queue_), 0, 1, 0, 0, amqp_empty_table);
  answered("queue");
  amqp_confirm_select(state_, 1);
  answered("confirms");
}

PlainRabbit::~PlainRabbit() {
  if (!closed_) {
    amqp_channel_open(state_, 2);
    amqp_queue_delete(state_, 2, text(queue_), 0, 0);
    amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
  }
  amqp_destroy_connection(state_);
}

void PlainRabbit::answered(const char* doing) const {
  if (amqp_get_rpc_reply(state_).reply_type != AMQP_RESPONSE_NORMAL) {
    throw std::runtime_error(std::string("rabbitmq: ") + doing);
  }
}

std::uint64_t PlainRabbit::read_confirms(std::uint64_t confirmed, bool wait) const {
  const timeval at_once{0, 0};
  while (true) {
    amqp_frame_t frame;
    const int code =
        wait ? amqp_simple_wait_frame(state_, &frame) : amqp_simple_wait_frame_noblock(state_, &frame, &at_once);
    if (code == AMQP_STATUS_TIMEOUT) return confirmed;
    if (code != AMQP_STATUS_OK) throw std::runtime_error("rabbitmq: the connection broke");
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) continue;
    const auto* ack = static_cast<const amqp_basic_ack_t*>(frame.payload.method.decoded);
    confirmed = ack->multiple != 0 ? std::max(confirmed, ack->delivery_tag) : confirmed + 1;
    amqp_maybe_release_buffers(state_);
    wait = false;
  }
}

void PlainRabbit::publish(std::size_t messages, std::size_t window, std::size_t body_bytes) {
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties.delivery_mode = AMQP_DELIVERY_PERSISTENT;
  std::deque<std::string> unconfirmed;
  std::uint64_t confirmed = published_;
  const auto confirms = [&](bool wait) {
    const std::uint64_t before = confirmed;
    confirmed = read_confirms(confirmed, wait);
    unconfirmed.erase(unconfirmed.begin(), unconfirmed.begin() + static_cast<std::ptrdiff_t>(confirmed - before));
  };
  for (std::size_t i = 0; i < messages; ++i) {
    const std::string& body = unconfirmed.emplace_back(body_bytes, 'x');
    if (amqp_basic_publish(state_, 1, amqp_empty_bytes, text(queue_), 1, 0, &properties, text(body)) !=
        AMQP_STATUS_OK) {
      throw std::runtime_error("rabbitmq: publishing");
    }
    ++published_;
    while (unconfirmed.size() >= window) confirms(true);
  }
  while (!unconfirmed.empty()) confirms(true);
}

void PlainRabbit::consume(std::size_t messages, std::uint16_t prefetch, std::size_t run) {
  amqp_basic_qos(state_, 1, 0, prefetch, 0);
  answered("prefetch");
  amqp_basic_consume(state_, 1, text(queue_), amqp_empty_bytes, 0, 0, 0, amqp_empty_table);
  answered("consume");
  for (std::size_t i = 1; i <= messages; ++i) {
    amqp_maybe_release_buffers(state_);
    amqp_envelope_t envelope;
    if (amqp_consume_message(state_, &envelope, nullptr, 0).reply_type != AMQP_RESPONSE_NORMAL) {
      throw std::runtime_error("rabbitmq: consuming");
    }
    if (i % run == 0 || i == messages) amqp_basic_ack(state_, 1, envelope.delivery_tag, 1);
    amqp_destroy_envelope(&envelope);
  }
  close();
}

void PlainRabbit::close() {
  // The server has taken the acknowledgements when it says goodbye.
  amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
  closed_ = true;
}

void PlainRabbit::get_each(std::size_t messages) {
  for (std::size_t i = 0; i < messages; ++i) {
    amqp_maybe_release_buffers(state_);
    const amqp_rpc_reply_t got = amqp_basic_get(state_, 1, text(queue_), 0);
    if (got.reply_type != AMQP_RESPONSE_NORMAL || got.reply.id != AMQP_BASIC_GET_OK_METHOD) {
      throw std::runtime_error("rabbitmq: getting");
    }
    const std::uint64_t tag = static_cast<const amqp_basic_get_ok_t*>(got.reply.decoded)->delivery_tag;
    amqp_message_t message;
    if (amqp_read_message(state_, 1, &message, 0).reply_type != AMQP_RESPONSE_NORMAL) {
      throw std::runtime_error("rabbitmq: reading");
    }
    amqp_destroy_message(&message);
    amqp_basic_ack(state_, 1, tag, 0);
  }
  close();
}

}  // namespace headrace::bench
