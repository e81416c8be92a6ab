#include "headrace/mqtt/mqtt_source.hpp"

#include <chrono>
#include <utility>

#include "connection.hpp"
#include "headrace/port/source_gate.hpp"
#include "held_messages.hpp"
#include "publish.hpp"
#include "topic_aliases.hpp"

namespace headrace::mqtt {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReceiveMax = 65'535;
constexpr std::uint16_t kSubscribeId = 1;
constexpr unsigned kRefused = 0x80;     ///< and above
constexpr unsigned kRetainedShift = 4;  ///< in the options of a subscription

}  // namespace

class MqttSource::Receiver {
 public:
  explicit Receiver(MqttSourceOptions options)
      : options_(std::move(options)),
        held_({options_.held_messages_max, options_.held_bytes_max}),
        loop_({options_.broker.backoff, options_.broker.on_health, options_.broker.answer_timeout}) {
    gate_.on_change([waker = loop_.waker()] { waker->wake(); });
  }

  Status start(Deliver deliver) {
    if (Status good = check(); !good) return good;
    auto address = MqttAddress::of(options_.broker);
    if (!address) return address.error();
    address_ = std::move(*address);
    deliver_ = std::move(deliver);
    gate_.open();
    loop_.start([this] { return connect_and_serve(); });
    return Nothing{};
  }
  void set_paused(bool paused) { gate_.set_paused(paused); }
  std::size_t stop(milliseconds deadline) {
    const std::size_t left = gate_.drain(deadline);
    loop_.halt();
    return left;
  }
  Health health() const { return loop_.health().get(); }
  const MqttSourceOptions& options() const noexcept { return options_; }

 private:
  Status check() const {
    const std::string where = "mqtt source";
    if (options_.filters.empty()) return Error{"there is no filter to subscribe to", where};
    for (const std::string& filter : options_.filters) {
      if (filter.empty() || filter.size() > kReceiveMax)
        return Error{"a filter must have 1 to 65535 bytes", where};
    }
    if (options_.unsettled_max == 0 || options_.unsettled_max > kReceiveMax) {
      return Error{"unsettled_max must be 1 to 65535", where};
    }
    if (options_.session_expiry.count() < 0 || options_.session_expiry.count() > 0xffff'ffff) {
      return Error{"session_expiry must be 0 to 4294967295 s", where};
    }
    return Nothing{};
  }
  Status connect_and_serve() {
    Greeting greeting;
    greeting.begins_anew = false;
    greeting.session_expiry_s = static_cast<std::uint32_t>(options_.session_expiry.count());
    greeting.receive_maximum = static_cast<std::uint16_t>(options_.unsettled_max);
    greeting.topic_alias_maximum = options_.topic_aliases_max;
    aliases_ = IncomingAliases(options_.topic_aliases_max);
    auto connection = Connection::open(address_, options_.broker, greeting, loop_);
    if (!connection) return connection.error();
    if (!connection->session_present()) {
      held_.forget_session();
      gate_.inbox()->renew();
    }
    const Status ended = serve(*connection);
    if (options_.qos == Qos::exactly_once && !loop_.halting()) {
      held_.keep_session();  // outcomes that come now are told in the next connection
    } else {
      held_.let_go();
      gate_.inbox()->renew();
    }
    return ended;
  }

  Status serve(Connection& connection) {
    subscribe(connection);
    subscribed_ = false;
    const auto answer_by = Clock::now() + options_.broker.answer_timeout;
    while (!loop_.halting()) {
      const std::size_t settled = settle(connection);
      if (Status moved = connection.exchange(); !moved) return moved;
      auto received = receive(connection);
      if (!received) return received.error();
      if (settled + *received + deliver() > 0) continue;
      const auto left = std::chrono::duration_cast<milliseconds>(answer_by - Clock::now());
      if (!subscribed_ && left.count() <= 0) {
        return Error{"no answer to the subscription", connection.where(), Error::Retry::maybe};
      }
      // Only who waits is woken: a system call. What came before begin() is looked for behind it.
      loop_.waker()->begin();
      if (loop_.halting() || settle(connection) + deliver() > 0) continue;
      subscribed_ ? connection.wait(*loop_.waker()) : connection.wait(*loop_.waker(), left);
    }
    settle(connection);
    connection.close();
    return Nothing{};
  }

  void subscribe(Connection& connection) const {
    PacketWriter subscribe;
    subscribe.two_bytes(kSubscribeId);
    const bool v5 = options_.broker.version == MqttVersion::v5;
    if (v5) subscribe.properties({});
    const unsigned retained = static_cast<unsigned>(options_.retained) << kRetainedShift;
    for (const std::string& filter : options_.filters) {
      subscribe.text(filter);
      subscribe.byte(static_cast<std::uint8_t>(static_cast<unsigned>(options_.qos) | (v5 ? retained : 0U)));
    }
    subscribe.finish(PacketType::subscribe, 2, connection.out());
  }

  /// Acknowledges up to the first message without an outcome.
  std::size_t settle(Connection& connection) {
    const auto answers = gate_.inbox()->take();
    for (const auto& answer : answers) {
      if (answer.settlement == Settlement::retry) {
        held_.retry(answer.tag);
      } else {
        held_.settle(answer.tag);
      }
    }
    held_.release([&](const IncomingPublish& publish) { acknowledge(connection, publish); });
    return answers.size();
  }

  static void acknowledge(Connection& connection, const IncomingPublish& publish) {
    if (publish.qos == 0) return;
    append_answer(publish.qos == 2 ? PacketType::pubrec : PacketType::puback, publish.id, 0, connection.out());
  }

  Result<std::size_t> receive(Connection& connection) {
    for (std::size_t count = 0;; ++count) {
      auto packet = connection.next();
      if (!packet) return packet.error();
      if (!*packet) return count;
      if (Status taken = take(connection, **packet); !taken) return taken.error();
    }
  }
  Status take(Connection& connection, const Packet& packet) {
    if (packet.type == PacketType::disconnect) return connection.closed_by(packet);
    if (packet.type == PacketType::suback) return take_suback(connection, packet);
    if (packet.type == PacketType::pubrel) return take_pubrel(connection, packet);
    if (packet.type != PacketType::publish) return Nothing{};
    auto publish = read_publish(packet, options_.broker.version == MqttVersion::v5);
    if (!publish || publish->qos > static_cast<unsigned>(options_.qos)) {
      return connection.nonsense("a message that cannot be read");
    }
    if (publish->topic_alias) {
      const auto topic = aliases_.topic_of(publish->message.topic, publish->topic_alias);
      if (!topic) return connection.nonsense("a topic's alias that means nothing");
      publish->message.topic = *topic;
    }
    // What finds no room is of QoS 0: lost, as it may be. What is known has its acknowledgement before it.
    const std::uint16_t id = publish->id;
    if (held_.add(std::move(*publish)) == HeldMessages::Added::settled) {
      append_answer(PacketType::pubrec, id, 0, connection.out());
    }
    return Nothing{};
  }
  Status take_pubrel(Connection& connection, const Packet& packet) {
    PacketReader reader(packet.body);
    const std::uint16_t id = reader.two_bytes();
    if (!reader.good()) return connection.nonsense("a release that cannot be read");
    held_.forget(id);
    append_answer(PacketType::pubcomp, id, 0, connection.out());
    return Nothing{};
  }
  Status take_suback(const Connection& connection, const Packet& packet) {
    PacketReader reader(packet.body);
    reader.two_bytes();
    if (options_.broker.version == MqttVersion::v5) (void)read_properties(reader);
    for (const std::string& filter : options_.filters) {
      const unsigned code = reader.byte();
      if (!reader.good()) return connection.nonsense("an answer to the subscription that cannot be read");
      if (code < kRefused) continue;
      return Error{"the broker refuses filter " + filter + ": " + reason_text(code), connection.where(),
                   is_for_now(code) ? Error::Retry::maybe : Error::Retry::no};
    }
    subscribed_ = true;
    loop_.connected();
    return Nothing{};
  }

  /// Hands over what waits, retried messages first, as far as there is room; how much that was.
  std::size_t deliver() {
    std::size_t count = 0;
    for (; held_.has_next() && gate_.room(options_.unsettled_max) > 0; ++count) {
      hand_over(held_.take_next());
    }
    return count;
  }
  void hand_over(std::uint64_t tag) {
    const auto [publish, deliveries] = held_.deliver(tag);
    // The broker counts nothing: of a message that it sent again nobody knows how often.
    deliver_({publish.message, Settle(gate_.inbox(), gate_.inbox()->issue(tag)),
              publish.redelivered || deliveries > 1, publish.redelivered ? 0 : deliveries});
  }

  const MqttSourceOptions options_;
  MqttAddress address_;
  SourceGate gate_;
  Deliver deliver_;

  // The loop's thread's own.
  HeldMessages held_;
  IncomingAliases aliases_{0};
  bool subscribed_ = false;

  ConnectionLoop loop_;  ///< last: its thread uses all of the above
};

MqttSource::MqttSource(MqttSourceOptions options) : receiver_(std::make_unique<Receiver>(std::move(options))) {}
MqttSource::~MqttSource() = default;

Status MqttSource::start(Deliver deliver) { return receiver_->start(std::move(deliver)); }
void MqttSource::pause() { receiver_->set_paused(true); }
void MqttSource::resume() { receiver_->set_paused(false); }
std::size_t MqttSource::stop(std::chrono::milliseconds deadline) { return receiver_->stop(deadline); }
Health MqttSource::health() const { return receiver_->health(); }

Capabilities MqttSource::capabilities() const {
  Capabilities can = mqtt_capabilities(receiver_->options().broker);
  can.unsettled_max = kReceiveMax;
  return can;
}

}  // namespace headrace::mqtt
