#include "headrace/mqtt/mqtt_sink.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "connection.hpp"
#include "publish.hpp"
#include "sent_messages.hpp"
#include "topic_aliases.hpp"

namespace headrace::mqtt {

class MqttSink::Writer final : public SinkWriter {
 public:
  explicit Writer(const MqttSinkOptions& options)
      : SinkWriter({.where = "mqtt sink",
                    .buffer = options.buffer,
                    .loop = {.backoff = options.broker.backoff,
                             .on_health = options.broker.on_health,
                             .patience = options.broker.answer_timeout,
                             .down_after = options.broker.down_after},
                    .capabilities = mqtt_capabilities(options.broker)}),
        options_(options) {}

 private:
  Status check() override {
    auto address = MqttAddress::of(options_.broker);
    if (!address) return address.error();
    address_ = std::move(*address);
    if (options_.qos == Qos::at_most_once) {
      return Error{"QoS 0 has no answer that says that the broker has a message", "mqtt sink"};
    }
    const auto expiry = options_.session_expiry.count();
    if (expiry < 1 || expiry > 0xffff'ffff) {
      return Error{"session_expiry must be 1 to 4294967295 s", "mqtt sink"};
    }
    sent_.clear();
    is_known_ = false;
    return Nothing{};
  }

  Status connect_and_serve() override {
    Greeting greeting;
    greeting.begins_anew = !is_known_;
    greeting.session_expiry_s = session_expiry();
    if (greeting.begins_anew && exactly_once() && !v5()) {
      // MQTT 3.1.1 forgets what it begins anew at the end of the connection: this one is for forgetting.
      auto forgets = Connection::open(address_, options_.broker, greeting, loop());
      if (!forgets) return forgets.error();
      forgets->close();
      greeting.begins_anew = false;
    }
    auto connection = Connection::open(address_, options_.broker, greeting, loop());
    if (!connection) return connection.error();
    if (Status able = check_limits(*connection); !able) return able;
    is_resumed_ = exactly_once() && is_known_ && connection->session_present();
    is_resumed_ ? sent_.resume() : sent_.clear();
    aliases_ = OutgoingAliases(std::min(options_.topic_aliases_max, connection->limits().topic_alias_maximum));
    is_known_ = greeting.session_expiry_s != 0;
    loop().health().set(AdapterState::up);
    answered_ = false;
    return serve(*connection);
  }
  Status check_limits(const Connection& connection) {
    const BrokerLimits& limits = connection.limits();
    if (static_cast<unsigned>(options_.qos) > limits.qos_maximum) {
      return Error{"the broker takes QoS " + std::to_string(limits.qos_maximum) + " at most", connection.where()};
    }
    retain_available_ = limits.retain_available;
    if (options_.retained && !limits.retain_available) {
      return Error{"the broker retains no messages", connection.where()};
    }
    return Nothing{};
  }
  [[nodiscard]] bool v5() const noexcept { return options_.broker.version == MqttVersion::v5; }
  [[nodiscard]] bool exactly_once() const noexcept { return options_.qos == Qos::exactly_once; }
  /// A delayed will ends with the session, too.
  [[nodiscard]] std::uint32_t session_expiry() const {
    const auto qos = exactly_once() ? options_.session_expiry : std::chrono::seconds(0);
    const auto will = options_.broker.will ? options_.broker.will->delay : std::chrono::seconds(0);
    return static_cast<std::uint32_t>(std::max(qos, will).count());
  }

  Status serve(Connection& connection) {
    while (!loop().halting()) {
      const std::size_t sent = send(connection);
      if (Status moved = connection.exchange(); !moved) return moved;
      auto heard = listen(connection);
      if (!heard) return heard.error();
      if (sent + *heard > 0) continue;
      // Only who waits is woken: a system call. What came before begin() is looked for behind it.
      loop().waker()->begin();
      if (!loop().halting() && send(connection) == 0) connection.wait(*loop().waker());
    }
    connection.close(Connection::Session::ends);
    return Nothing{};
  }

  /// As long as the broker takes it: what does not fit into the socket waits here, and no more is added.
  std::size_t send(Connection& connection) {
    std::size_t count = 0;
    while (sent_.under_way() < connection.limits().receive_maximum && connection.out().size() < kOutBytes) {
      const SendBuffer::Item* item = buffer().next();
      if (item == nullptr) break;
      ++count;
      send(connection, *item);
    }
    return count;
  }
  void send(Connection& connection, const SendBuffer::Item& item) {
    PublishMarks marks{.qos = static_cast<std::uint8_t>(options_.qos), .v5 = v5(), .retained = options_.retained};
    if (const auto id = sent_.sent_before(item.number)) {
      marks.id = *id;
      marks.dup = true;  // the broker tells by the id, so that receivers need not be told
      if (sent_.find(*id)->stage == SentMessages::Stage::released) {
        return append_answer(PacketType::pubrel, *id, 0, connection.out());
      }
    } else if (std::string fault = fault_of(item.message, v5(), connection.limits().packet_bytes_max);
               !fault.empty()) {
      return buffer().confirm(item.number, Error{std::move(fault), "mqtt topic '" + item.message.topic + "'"});
    } else if (!retain_available_ && is_retained(item.message)) {
      return buffer().confirm(item.number,
                              Error{"the broker retains no messages", "mqtt topic '" + item.message.topic + "'"});
    } else {
      marks.id = sent_.add(item.number);
      marks.sent_before = item.sent_before;
    }
    marks.alias = aliases_.of(item.message.topic);
    append_publish(item.message, marks, connection.out());
  }

  Result<std::size_t> listen(Connection& connection) {
    for (std::size_t count = 0;; ++count) {
      auto packet = connection.next();
      if (!packet) return packet.error();
      if (!*packet) return count;
      if (Status taken = take(connection, **packet); !taken) return taken.error();
    }
  }
  Status take(Connection& connection, const Packet& packet) {
    if (packet.type == PacketType::disconnect) return connection.closed_by(packet);
    const bool is_answer = packet.type == PacketType::puback || packet.type == PacketType::pubrec ||
                           packet.type == PacketType::pubcomp;
    if (!is_answer) return Nothing{};
    PacketReader reader(packet.body);
    const std::uint16_t id = reader.two_bytes();
    const unsigned code = reader.at_end() ? 0 : reader.byte();
    if (!reader.good()) return connection.nonsense("an acknowledgement that cannot be read");
    // Not before: a broker that ends each connection would be asked without a pause.
    if (!std::exchange(answered_, true)) loop().connected();
    SentMessages::Sent* const sent = sent_.find(id);
    if (is_resumed_ && code == kQuotaExceeded) {
      // mosquitto, once it was killed, counts messages against the quota that nobody will complete.
      is_known_ = false;
      return Error{"the broker's session is over its quota, and begins anew", connection.where(),
                   Error::Retry::maybe};
    }
    if (exactly_once() && packet.type == PacketType::pubrec) {
      release(connection, id, sent, code);
      return Nothing{};
    }
    if (sent == nullptr) return Nothing{};
    const bool is_released = sent->stage == SentMessages::Stage::released;
    const PacketType expected = exactly_once() ? PacketType::pubcomp : PacketType::puback;
    if (packet.type != expected || is_released != exactly_once()) {
      return connection.nonsense("an acknowledgement out of turn");
    }
    // PUBCOMP has one failure: the id is unknown. The broker was done with it when an earlier connection broke.
    confirm(connection, id, *sent, is_released ? 0 : code);
    return Nothing{};
  }
  /// The broker has the message: it is done when the broker has forgotten its id, too.
  void release(Connection& connection, std::uint16_t id, SentMessages::Sent* sent, unsigned code) {
    if (sent != nullptr && code >= kFailure) return confirm(connection, id, *sent, code);
    if (sent != nullptr) sent->stage = SentMessages::Stage::released;
    constexpr std::uint8_t kUnknownId = 0x92;
    append_answer(PacketType::pubrel, id, sent == nullptr && v5() ? kUnknownId : std::uint8_t{0},
                  connection.out());
  }
  void confirm(const Connection& connection, std::uint16_t id, const SentMessages::Sent& sent, unsigned code) {
    const std::uint64_t number = sent.number;
    sent_.erase(id);
    if (code < kFailure) return buffer().confirm(number, Nothing{});
    buffer().confirm(number, Error{"the broker refuses the message: " + reason_text(code), connection.where(),
                                   code == kQuotaExceeded ? Error::Retry::maybe : Error::Retry::no});
  }

  static constexpr unsigned kFailure = 0x80;  ///< below it stands: nobody is subscribed
  static constexpr unsigned kQuotaExceeded = 0x97;
  static constexpr std::size_t kOutBytes = std::size_t{256} << 10;
  const MqttSinkOptions options_;
  MqttAddress address_;

  // The loop's thread's own.
  SentMessages sent_;
  OutgoingAliases aliases_;  ///< of this connection
  bool is_known_ = false;    ///< the broker was asked to remember us
  bool is_resumed_ = false;  ///< and did
  bool retain_available_ = true;
  bool answered_ = false;  ///< by this connection, about a message
};

MqttSink::MqttSink(MqttSinkOptions options) : BufferedSink(std::make_unique<Writer>(options)) {}

}  // namespace headrace::mqtt
