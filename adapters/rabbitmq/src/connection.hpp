#pragma once

#include <amqp.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"
#include "headrace/rabbitmq/rabbit_options.hpp"

namespace headrace::rabbitmq {

constexpr amqp_channel_t kChannel = 1;
/// How long a thread waits before it looks at everything again; heartbeats are served then, too.
constexpr std::chrono::milliseconds kLookAgain{500};
/// Messages of one direction before the other is looked at.
constexpr std::size_t kTurn = 64;

[[nodiscard]] inline amqp_bytes_t bytes_of(std::string_view text) noexcept {
  return {text.size(), const_cast<char*>(text.data())};
}
[[nodiscard]] inline std::string_view text_of(amqp_bytes_t bytes) noexcept {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

/// Lets another thread end a connection that its own thread waits in. @thread any
class Breaker {
 public:
  /// @thread the connection's
  void watch(int fd) {
    const std::scoped_lock lock(mutex_);
    fd_ = fd;
  }
  /// Whatever the connection's thread waits for fails now.
  void cut();

 private:
  std::mutex mutex_;
  int fd_ = -1;
};

/// One connection with one channel, for one thread. After an error it is broken.
class Connection {
 public:
  /// Connects, logs in and opens the channel. An error that no retry helps is one of credentials, of a vhost, of
  /// certificates.
  [[nodiscard]] static Result<Connection> open(const RabbitAddress& address, const RabbitOptions& options,
                                               Breaker& breaker);
  Connection(Connection&&) = default;
  ~Connection();

  [[nodiscard]] amqp_connection_state_t get() const noexcept { return state_.get(); }
  [[nodiscard]] int fd() const noexcept { return amqp_get_sockfd(state_.get()); }
  [[nodiscard]] const std::string& where() const noexcept { return where_; }

  /// The last call's answer, of the functions that wait for one; `doing` says what was asked.
  [[nodiscard]] Status answer(std::string_view doing) const { return to_status(amqp_get_rpc_reply(get()), doing); }
  [[nodiscard]] Status to_status(const amqp_rpc_reply_t& reply, std::string_view doing) const;
  /// Of the functions that only send.
  [[nodiscard]] Status sent(int code) const;
  /// The server closes the channel or the connection: what it said.
  [[nodiscard]] Error closed_by(const amqp_method_t& method, std::string_view doing) const;
  /// Says goodbye, so that what was sent before is taken: an abrupt end may lose it.
  void close();

 private:
  struct Free {
    void operator()(amqp_connection_state_t state) const noexcept { amqp_destroy_connection(state); }
  };
  explicit Connection(std::string where) : state_(amqp_new_connection()), where_(std::move(where)) {}
  [[nodiscard]] Status open_socket(const RabbitAddress& address, const RabbitOptions& options) const;
  [[nodiscard]] Status log_in(const RabbitAddress& address, const RabbitOptions& options) const;

  std::unique_ptr<amqp_connection_state_t_, Free> state_;
  std::string where_;
  Breaker* breaker_ = nullptr;
};

}  // namespace headrace::rabbitmq
