#pragma once

#include <amqp.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace headrace::bench {

/// librabbitmq driven by hand: one connection, one channel, one durable queue, which goes with the object unless that
/// has said goodbye before.
class PlainRabbit {
 public:
  PlainRabbit(std::uint16_t port, std::string queue);
  ~PlainRabbit();
  PlainRabbit(const PlainRabbit&) = delete;
  PlainRabbit& operator=(const PlainRabbit&) = delete;

  /// Persistent messages, at most `window` of them unconfirmed and kept for a second try; waits for all confirms.
  void publish(std::size_t messages, std::size_t window, std::size_t body_bytes);
  /// Takes so many with so much prefetch, acknowledges them in runs, and says goodbye.
  void consume(std::size_t messages, std::uint16_t prefetch, std::size_t run);
  /// Asks for one at a time, acknowledges it, and says goodbye.
  void get_each(std::size_t messages);

 private:
  void close();
  void answered(const char* doing) const;
  /// How many confirms came.
  [[nodiscard]] std::uint64_t read_confirms(std::uint64_t confirmed, bool wait) const;

  amqp_connection_state_t state_;
  std::string queue_;
  bool closed_ = false;
  std::uint64_t published_ = 0;  ///< on this channel: confirms count from its beginning
};

}  // namespace headrace::bench
