#pragma once

#include <amqp.h>
#include <amqp_tcp_socket.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace headrace::test {

/// Asks the server how a queue stands, on a connection of its own.
class QueueState {
 public:
  QueueState(std::uint16_t port, std::string queue) : queue_(std::move(queue)) {
    amqp_socket_t* const socket = amqp_tcp_socket_new(connection_);
    if (amqp_socket_open(socket, "127.0.0.1", port) != AMQP_STATUS_OK) throw std::runtime_error("no connection");
    const auto in = amqp_login(connection_, "/", 0, 131'072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
    if (in.reply_type != AMQP_RESPONSE_NORMAL) throw std::runtime_error("no login");
    if (amqp_channel_open(connection_, 1) == nullptr) throw std::runtime_error("no channel");
  }
  QueueState(const QueueState&) = delete;
  QueueState& operator=(const QueueState&) = delete;
  ~QueueState() {
    amqp_connection_close(connection_, AMQP_REPLY_SUCCESS);
    amqp_destroy_connection(connection_);
  }

  struct Answer {
    std::uint32_t ready = 0;  ///< messages that no consumer has
    std::uint32_t consumers = 0;
  };
  [[nodiscard]] Answer ask() const {
    const amqp_bytes_t name{queue_.size(), const_cast<char*>(queue_.data())};
    const auto* const found = amqp_queue_declare(connection_, 1, name, 1, 0, 0, 0, amqp_empty_table);
    if (found == nullptr) throw std::runtime_error("no queue " + queue_);
    const Answer answer{found->message_count, found->consumer_count};
    amqp_maybe_release_buffers(connection_);
    return answer;
  }

 private:
  const std::string queue_;
  const amqp_connection_state_t connection_ = amqp_new_connection();
};

}  // namespace headrace::test
