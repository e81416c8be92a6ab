#include "headrace/mqtt/mqtt_source.hpp"

#include <algorithm>
#include <deque>
#include <mutex>
#include <utility>

#include "connection.hpp"
#include "headrace/port/settlement_inbox.hpp"
#include "publish.hpp"

namespace headrace::mqtt {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReceiveMax = 65'535;
constexpr std::uint16_t kSubscribeId = 1;
/// Of QoS 0. Those of QoS 1 the broker bounds, by the receive maximum or by its own window.
constexpr std::size_t kHeldMax = 100'000;
/// In the options of a subscription: retained messages come with a new subscription only, not at each connection.
constexpr std::uint8_t kRetainedOnce = 0x10;

}  // namespace

class MqttSource::Receiver {
 public:
  explicit Receiver(MqttSourceOptions options)
      : options_(std::move(options)),
        loop_({options_.broker.backoff, options_.broker.on_health, options_.broker.answer_timeout}) {
    inbox_->on_answer([waker = loop_.waker()] { waker->wake(); });
  }

  Status start(Deliver deliver) {
    if (Status good = check(); !good) return good;
    auto address = MqttAddress::of(options_.broker);
    if (!address) return address.error();
    address_ = std::move(*address);
    deliver_ = std::move(deliver);
    set(draining_, false);
    loop_.start([this] { return connect_and_serve(); });
    return Nothing{};
  }
  void set_paused(bool paused) { set(paused_, paused); }
  std::size_t stop(milliseconds deadline) {
    set(draining_, true);
    (void)inbox_->wait_until_settled(deadline);
    const std::size_t left = inbox_->outstanding();
    loop_.halt();
    return left;
  }
  Health health() const { return loop_.health().get(); }
  const MqttSourceOptions& options() const noexcept { return options_; }

 private:
  /// A message that the broker waits for an answer to, or that waits for room here.
  struct Held {
    IncomingPublish publish;
    unsigned deliveries = 0;
    bool settled = false;
  };

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
  void set(bool& flag, bool value) {
    {
      const std::scoped_lock lock(mutex_);
      flag = value;
    }
    loop_.waker()->wake();
  }
  bool may_deliver() const {
    const std::scoped_lock lock(mutex_);
    return !paused_ && !draining_;
  }

  Status connect_and_serve() {
    Greeting greeting;
    greeting.session_kept = true;
    greeting.session_expiry_s = static_cast<std::uint32_t>(options_.session_expiry.count());
    greeting.receive_maximum = static_cast<std::uint16_t>(options_.unsettled_max);
    auto connection = Connection::open(address_, options_.broker, greeting, loop_);
    if (!connection) return connection.error();
    const Status ended = serve(*connection);
    held_.clear();
    again_.clear();
    first_ = delivered_ = 0;
    inbox_->renew();
    return ended;
  }

  Status serve(Connection& connection) {
    subscribe(connection);
    for (loop_.waker()->begin(); !loop_.halting(); loop_.waker()->begin()) {
      const std::size_t settled = settle(connection);
      if (Status moved = connection.exchange(); !moved) return moved;
      auto received = receive(connection);
      if (!received) return received.error();
      const std::size_t delivered = deliver();
      if (settled + *received + delivered == 0) connection.wait(*loop_.waker());
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
    for (const std::string& filter : options_.filters) {
      subscribe.text(filter);
      subscribe.byte(static_cast<std::uint8_t>(static_cast<unsigned>(options_.qos) | (v5 ? kRetainedOnce : 0U)));
    }
    subscribe.finish(PacketType::subscribe, 2, connection.out());
  }

  /// Acknowledges up to the first message without an outcome.
  std::size_t settle(Connection& connection) {
    const auto answers = inbox_->take();
    for (const auto& answer : answers) {
      Held& held = held_[static_cast<std::size_t>(answer.tag - first_)];
      if (answer.settlement == Settlement::retry) {
        again_.push_back(answer.tag);
      } else {
        held.settled = true;
      }
    }
    for (; !held_.empty() && held_.front().settled; held_.pop_front(), ++first_) {
      if (held_.front().publish.id == 0) continue;
      PacketWriter acknowledgement;
      acknowledgement.two_bytes(held_.front().publish.id);
      acknowledgement.finish(PacketType::puback, 0, connection.out());
    }
    return answers.size();
  }

  Result<std::size_t> receive(Connection& connection) {
    for (std::size_t count = 0;; ++count) {
      auto packet = connection.next();
      if (!packet) return packet.error();
      if (!*packet) return count;
      if (Status taken = take(connection, **packet); !taken) return taken.error();
    }
  }
  Status take(const Connection& connection, const Packet& packet) {
    if (packet.type == PacketType::disconnect) return connection.closed_by(packet);
    if (packet.type == PacketType::suback) return take_suback(connection, packet);
    if (packet.type != PacketType::publish) return Nothing{};
    auto publish = read_publish(packet, options_.broker.version == MqttVersion::v5);
    if (!publish) return connection.nonsense("a message that cannot be read");
    if (publish->id == 0 && held_.size() >= kHeldMax) return Nothing{};  // QoS 0, and nobody takes them
    held_.push_back({std::move(*publish)});
    return Nothing{};
  }
  Status take_suback(const Connection& connection, const Packet& packet) {
    PacketReader reader(packet.body);
    reader.two_bytes();
    if (options_.broker.version == MqttVersion::v5) (void)read_properties(reader);
    for (const std::string& filter : options_.filters) {
      const unsigned code = reader.byte();
      if (!reader.good()) return connection.nonsense("an answer to the subscription that cannot be read");
      if (code >= 0x80)
        return Error{"the broker refuses filter " + filter + ": " + reason_text(code), connection.where()};
    }
    loop_.connected();
    return Nothing{};
  }

  /// Hands over what waits, retried messages first, as far as there is room; how much that was.
  std::size_t deliver() {
    std::size_t count = 0;
    for (; inbox_->outstanding() < options_.unsettled_max && may_deliver(); ++count) {
      if (!again_.empty()) {
        hand_over(again_.front());
        again_.pop_front();
      } else if (delivered_ < first_ + held_.size()) {
        hand_over(delivered_++);
      } else {
        break;
      }
    }
    return count;
  }
  void hand_over(std::uint64_t tag) {
    Held& held = held_[static_cast<std::size_t>(tag - first_)];
    ++held.deliveries;
    // The broker counts nothing: of a message that it sent again nobody knows how often.
    const unsigned attempt = held.publish.redelivered ? 0 : held.deliveries;
    deliver_({held.publish.message, Settle(inbox_, inbox_->issue(tag)),
              held.publish.redelivered || held.deliveries > 1, attempt});
  }

  const MqttSourceOptions options_;
  MqttAddress address_;
  const std::shared_ptr<SettlementInbox> inbox_ = std::make_shared<SettlementInbox>();
  Deliver deliver_;

  // The loop's thread's own.
  std::deque<Held> held_;            ///< in the order received
  std::deque<std::uint64_t> again_;  ///< retried
  std::uint64_t first_ = 0;          ///< the number of held_'s first, which is its tag
  std::uint64_t delivered_ = 0;      ///< the number of the first that was never handed over

  mutable std::mutex mutex_;  ///< the flags
  bool paused_ = false;
  bool draining_ = false;

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
