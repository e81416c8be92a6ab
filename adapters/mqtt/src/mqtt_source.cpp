#include "headrace/mqtt/mqtt_source.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>

#include "connection.hpp"
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

Capabilities capabilities_of(const MqttOptions& broker) {
  Capabilities can = mqtt_capabilities(broker);
  can.unsettled_max = kReceiveMax;
  return can;
}

}  // namespace

class MqttSource::Reader final : public SourceReader {
 public:
  explicit Reader(MqttSourceOptions options)
      : SourceReader({.loop = {.backoff = options.broker.backoff,
                               .on_health = options.broker.on_health,
                               .patience = options.broker.answer_timeout,
                               .down_after = options.broker.down_after},
                      .capabilities = capabilities_of(options.broker),
                      .out = Out::is_the_readers}),
        options_(std::move(options)),
        held_({options_.held_messages_max, options_.held_bytes_max}) {}

  std::uint64_t too_large() const noexcept {
    return too_large_.load(std::memory_order_relaxed);  // no partner: a count
  }

 private:
  Status check() override {
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
    auto address = MqttAddress::of(options_.broker);
    if (!address) return address.error();
    address_ = std::move(*address);
    return Nothing{};
  }
  Status connect_and_serve() override {
    Greeting greeting;
    greeting.begins_anew = false;
    greeting.session_expiry_s = static_cast<std::uint32_t>(options_.session_expiry.count());
    greeting.receive_maximum = static_cast<std::uint16_t>(options_.unsettled_max);
    greeting.topic_alias_maximum = options_.topic_aliases_max;
    aliases_ = IncomingAliases(options_.topic_aliases_max);
    auto connection = Connection::open(address_, options_.broker, greeting, loop());
    if (!connection) return connection.error();
    if (!connection->session_present()) {
      held_.forget_session();
      gate().inbox()->renew();
    }
    const Status ended = serve(*connection);
    if (options_.qos == Qos::exactly_once && !loop().halting()) {
      held_.keep_session();  // outcomes that come now are told in the next connection
    } else {
      held_.let_go();
      gate().inbox()->renew();
    }
    return ended;
  }

  Status serve(Connection& connection) {
    subscribe(connection);
    subscribed_ = false;
    const auto answer_by = Clock::now() + options_.broker.answer_timeout;
    while (!loop().halting()) {
      const std::size_t settled = settle(connection);
      if (Status moved = connection.exchange(); !moved) return moved;
      auto received = receive(connection);
      if (!received) return received.error();
      if (settled + *received + hand_over_all() > 0) continue;
      const auto left = std::chrono::duration_cast<milliseconds>(answer_by - Clock::now());
      if (!subscribed_ && left.count() <= 0) {
        return Error{"no answer to the subscription", connection.where(), Error::Retry::maybe};
      }
      // Only who waits is woken: a system call. What came before begin() is looked for behind it.
      loop().waker()->begin();
      if (loop().halting() || settle(connection) + hand_over_all() > 0) continue;
      subscribed_ ? connection.wait(*loop().waker()) : connection.wait(*loop().waker(), left);
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
    const auto answers = gate().inbox()->take();
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
    if (packet.beyond > 0) return take_large(connection, packet);
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
  /// What is too large to be kept is lost here, and acknowledged, or it would come again for ever.
  Status take_large(Connection& connection, const Packet& packet) {
    auto head = read_publish(packet, false);
    if (!head || head->qos > static_cast<unsigned>(options_.qos)) {
      return connection.nonsense("a message that cannot be read");
    }
    const std::uint16_t id = head->id;
    const std::string topic = head->message.topic;
    const auto added = held_.add_settled(std::move(*head));
    if (added == HeldMessages::Added::settled) {
      append_answer(PacketType::pubrec, id, 0, connection.out());
    } else if (added != HeldMessages::Added::known) {
      too_large_.fetch_add(1, std::memory_order_relaxed);  // no partner: a count
      if (options_.on_too_large) options_.on_too_large({topic, packet.body.size() + packet.beyond});
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
    loop().connected();
    return Nothing{};
  }

  /// Hands over what waits, retried messages first, as far as there is room; how much that was.
  std::size_t hand_over_all() {
    std::size_t count = 0;
    for (; held_.has_next() && gate().room(options_.unsettled_max) > 0; ++count) {
      hand_over(held_.take_next());
    }
    return count;
  }
  void hand_over(std::uint64_t tag) {
    const auto [publish, deliveries] = held_.deliver(tag);
    // The broker counts nothing: of a message that it sent again nobody knows how often.
    deliver(Message(publish.message), tag, publish.redelivered || deliveries > 1,
            publish.redelivered ? 0 : deliveries);
  }

  const MqttSourceOptions options_;
  MqttAddress address_;

  // The loop's thread's own.
  HeldMessages held_;
  IncomingAliases aliases_{0};
  bool subscribed_ = false;

  std::atomic<std::uint64_t> too_large_{0};
};

MqttSource::MqttSource(MqttSourceOptions options) : GatedSource(std::make_unique<Reader>(std::move(options))) {}

std::uint64_t MqttSource::too_large() const { return static_cast<const Reader&>(reader()).too_large(); }

}  // namespace headrace::mqtt
