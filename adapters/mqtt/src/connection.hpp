#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "greeting.hpp"
#include "headrace/adapter_support/socket_stream.hpp"
#include "headrace/base/result.hpp"
#include "headrace/mqtt/mqtt_options.hpp"
#include "headrace/port/connection_loop.hpp"
#include "packet.hpp"
#include "receive_buffer.hpp"

namespace headrace::mqtt {

/// One connection, for one thread, which never blocks in it. After an error it is broken.
class Connection {
 public:
  /// Connects and greets. An error that no retry helps is one of credentials or of the client's id.
  [[nodiscard]] static Result<Connection> open(const MqttAddress& address, const MqttOptions& options,
                                               const Greeting& greeting, ConnectionLoop& loop);
  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&&) = delete;

  [[nodiscard]] const BrokerLimits& limits() const noexcept { return limits_; }
  /// The broker knows the client from earlier.
  [[nodiscard]] bool session_present() const noexcept { return session_present_; }
  [[nodiscard]] const std::string& where() const noexcept { return where_; }

  /// Where packets to send are appended; flush() sends.
  [[nodiscard]] std::string& out() noexcept { return out_; }
  /// Sends and reads what goes without waiting, and keeps the connection alive.
  [[nodiscard]] Status exchange();
  /// The next packet that has come; valid until exchange(). None: no more for now. A message that is larger than
  /// packet_bytes_max is an error; of one of MQTT 3.1.1, whose broker cannot be told the limit, the head comes (take_head).
  [[nodiscard]] Result<std::optional<Packet>> next();
  /// Until something can be read, or sent if anything waits, or the waker wakes; not longer than keep-alive
  /// allows.
  void wait(Waker& waker, std::chrono::milliseconds at_most = std::chrono::hours(1)) const;
  enum class Session : std::uint8_t { stays, ends };
  /// Says goodbye, so that no will is published. A session stays as agreed, or ends, if MQTT 5 can say so.
  void close(Session session = Session::stays);
  /// The broker says that it closes.
  [[nodiscard]] Error closed_by(const Packet& disconnect) const;
  /// A packet that makes no sense.
  [[nodiscard]] Error nonsense(std::string_view what) const;

 private:
  using Clock = std::chrono::steady_clock;
  Connection(adapter_support::SocketStream stream, std::string where, const MqttOptions& options);
  [[nodiscard]] Status flush();
  [[nodiscard]] Status fill();
  [[nodiscard]] Status keep_alive();
  [[nodiscard]] bool read_over();
  [[nodiscard]] Status greet(const MqttAddress& address, const MqttOptions& options, const Greeting& greeting,
                             ConnectionLoop& loop);
  [[nodiscard]] Status read_answer(const Packet& connack);

  adapter_support::SocketStream stream_;
  std::string where_;
  bool v5_;
  std::chrono::milliseconds keep_alive_;  ///< so that a half and a quarter of a second are something
  std::size_t packet_bytes_max_;
  BrokerLimits limits_;
  bool session_present_ = false;
  std::size_t beyond_ = 0;  ///< bytes to come that nobody wants: the rest of a message that is too large
  std::string out_;
  ReceiveBuffer in_;
  Clock::time_point sent_at_;
  Clock::time_point heard_at_;
};

/// A reason code of MQTT 5 in words.
[[nodiscard]] std::string reason_text(unsigned code);
/// Whether a subscription that was refused with this reason may be taken another time.
[[nodiscard]] bool is_for_now(unsigned code);

}  // namespace headrace::mqtt
