#include "headrace/mqtt/mqtt_sink.hpp"

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <utility>

#include "connection.hpp"
#include "publish.hpp"

namespace headrace::mqtt {

class MqttSink::Writer final : public SinkWriter {
 public:
  explicit Writer(const MqttSinkOptions& options)
      : SinkWriter({.where = "mqtt sink",
                    .buffer = options.buffer,
                    .loop = {options.broker.backoff, options.broker.on_health, options.broker.answer_timeout},
                    .capabilities = mqtt_capabilities(options.broker)}),
        options_(options) {}

 private:
  Status check() override {
    auto address = MqttAddress::of(options_.broker);
    if (!address) return address.error();
    address_ = std::move(*address);
    return Nothing{};
  }

  Status connect_and_serve() override {
    auto connection = Connection::open(address_, options_.broker, {}, loop());
    if (!connection) return connection.error();
    loop().health().set(AdapterState::up);
    answered_ = false;
    const Status ended = serve(*connection);
    numbers_.clear();
    return ended;
  }

  Status serve(Connection& connection) {
    for (loop().waker()->begin(); !loop().halting(); loop().waker()->begin()) {
      const std::size_t sent = send(connection);
      if (Status moved = connection.exchange(); !moved) return moved;
      auto heard = listen(connection);
      if (!heard) return heard.error();
      if (sent + *heard == 0) connection.wait(*loop().waker());
    }
    connection.close();
    return Nothing{};
  }

  /// As long as the broker takes it: what does not fit into the socket waits here, and no more is added.
  std::size_t send(Connection& connection) {
    const bool v5 = options_.broker.version == MqttVersion::v5;
    std::size_t count = 0;
    while (numbers_.size() < connection.limits().receive_maximum && connection.out().size() < kOutBytes) {
      const SendBuffer::Item* item = buffer().next();
      if (item == nullptr) break;
      ++count;
      if (std::string fault = fault_of(item->message, v5, connection.limits().packet_bytes_max); !fault.empty()) {
        buffer().confirm(item->number, Error{std::move(fault), "mqtt topic '" + item->message.topic + "'"});
        continue;
      }
      const std::uint16_t id = free_id();
      numbers_.emplace(id, item->number);
      append_publish(item->message, {id, v5, options_.retained, item->sent_before}, connection.out());
    }
    return count;
  }
  /// There is one: fewer are unconfirmed than there are ids.
  std::uint16_t free_id() {
    do {
      if (++last_id_ == 0) last_id_ = 1;
    } while (numbers_.contains(last_id_));
    return last_id_;
  }

  Result<std::size_t> listen(Connection& connection) {
    for (std::size_t count = 0;; ++count) {
      auto packet = connection.next();
      if (!packet) return packet.error();
      if (!*packet) return count;
      if ((**packet).type == PacketType::disconnect) return connection.closed_by(**packet);
      if ((**packet).type != PacketType::puback) continue;
      PacketReader reader((**packet).body);
      const std::uint16_t id = reader.two_bytes();
      const unsigned code = reader.at_end() ? 0 : reader.byte();
      if (!reader.good()) return connection.nonsense("an acknowledgement that cannot be read");
      confirm(connection, id, code);
    }
  }
  void confirm(const Connection& connection, std::uint16_t id, unsigned code) {
    const auto number = numbers_.extract(id);
    if (number.empty()) return;
    // Not before: a broker that ends each connection would be asked without a pause.
    if (!std::exchange(answered_, true)) loop().connected();
    constexpr unsigned kFailure = 0x80;  // below it stands: nobody is subscribed
    constexpr unsigned kQuotaExceeded = 0x97;
    if (code < kFailure) return buffer().confirm(number.mapped(), Nothing{});
    buffer().confirm(number.mapped(),
                     Error{"the broker refuses the message: " + reason_text(code), connection.where(),
                           code == kQuotaExceeded ? Error::Retry::maybe : Error::Retry::no});
  }

  static constexpr std::size_t kOutBytes = std::size_t{256} << 10;
  const MqttSinkOptions options_;
  MqttAddress address_;

  // The loop's thread's own.
  std::unordered_map<std::uint16_t, std::uint64_t> numbers_;  ///< by packet id: what is not confirmed
  std::uint16_t last_id_ = 0;
  bool answered_ = false;  ///< by this connection, about a message
};

MqttSink::MqttSink(MqttSinkOptions options) : BufferedSink(std::make_unique<Writer>(options)) {}

}  // namespace headrace::mqtt
