#include "headrace/servicebus/servicebus_source.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "amqp_message.hpp"
#include "claims.hpp"
#include "connection.hpp"
#include "headrace/port/connection_loop.hpp"
#include "headrace/port/settlement_inbox.hpp"
#include "headrace/servicebus/message_headers.hpp"
#include "lock_renewal.hpp"
#include "receiver.hpp"

namespace headrace::servicebus {
namespace {

using std::chrono::milliseconds;

/// Service Bus's own clients do not fetch more ahead.
constexpr std::size_t kUnsettledMax = 2'000;
constexpr std::size_t kSessionsMax = 100;
constexpr milliseconds kSourceIdle{250};
/// How often locks are looked at.
constexpr milliseconds kLockLook{200};
constexpr std::string_view kDeadLetterQueue = "/$DeadLetterQueue";

}  // namespace

class ServiceBusSource::Consumer {
 public:
  explicit Consumer(ServiceBusSourceOptions options)
      : options_(std::move(options)),
        loop_({options_.server.backoff, options_.server.on_health, options_.server.answer_timeout}) {
    inbox_->on_answer([waker = loop_.waker()] { waker->wake(); });
  }

  Status start(Deliver deliver) {
    if (Status good = check(); !good) return good;
    auto address = ServiceBusAddress::of(options_.server, options_.entity);
    if (!address) return address.error();
    if (options_.sub_queue == SubQueue::dead_letters) address->entity += kDeadLetterQueue;
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
  std::uint64_t locks_lost() const noexcept {
    return locks_lost_.load(std::memory_order_relaxed);  // no partner: a count
  }

 private:
  using Receivers = std::vector<std::unique_ptr<Receiver>>;

  Status check() const {
    const std::string where = "servicebus source";
    if (options_.unsettled_max == 0 || options_.unsettled_max > kUnsettledMax) {
      return Error{"unsettled_max must be 1 to 2000", where};
    }
    if (options_.lock_renewal.count() < 0) return Error{"lock_renewal must not be negative", where};
    if (options_.session_idle.count() < 0) return Error{"session_idle must not be negative", where};
    if (options_.sessions_max > std::min(kSessionsMax, options_.unsettled_max)) {
      return Error{"sessions_max must be at most 100, and at most unsettled_max", where};
    }
    if (!options_.session.empty() && options_.sessions_max != 1) {
      return Error{"a source of one session has a sessions_max of 1", where};
    }
    if (options_.sessions_max > 0 && options_.sub_queue == SubQueue::dead_letters) {
      return Error{"dead letters have no sessions", where};
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
  bool wants_messages() const {
    const std::scoped_lock lock(mutex_);
    return !paused_ && !draining_;
  }
  bool is_draining() const {
    const std::scoped_lock lock(mutex_);
    return draining_;
  }

  Status connect_and_serve() {
    auto connection = Connection::open(address_, options_.server, loop_);
    if (!connection) return connection.error();
    const Status ended = serve(**connection);
    inbox_->renew();
    return ended;
  }

  Status serve(Connection& connection) {
    Claims claims(connection, address_, options_.server);
    const bool renews = options_.lock_renewal.count() > 0 || options_.sessions_max > 0;
    if (options_.server.login == Login::token) {
      claims.ask(address_.entity);
      if (renews) claims.ask(address_.entity + "/$management");
    }
    if (Status in = connection.await([&] { return claims.granted(); }, "asking for access"); !in) return in;
    Receivers receivers = make_receivers(connection);
    std::optional<LockRenewal> locks;
    if (renews) locks.emplace(connection, address_.entity);
    // A session may not be there for a long time; then the link stays unanswered.
    const auto ready = [&] { return options_.sessions_max > 0 || receivers.front()->opened(); };
    if (Status in = connection.await(ready, "opening the link"); !in) return in;
    loop_.connected();
    for (loop_.waker()->begin(); !loop_.halting(); loop_.waker()->begin()) {
      claims.renew();
      if (locks) renew_locks(*locks, receivers);
      const std::size_t settled = settle(receivers);
      const bool wanted = wants_messages();
      for (const auto& receiver : receivers) {
        if (wanted) receiver->change_session();
        receiver->give_credit(wanted);
      }
      auto moved = connection.exchange();
      if (!moved) return moved.error();
      if (settled == 0 && !*moved) connection.wait(kSourceIdle);
    }
    return end(connection, receivers);
  }

  Receivers make_receivers(Connection& connection) {
    const std::size_t count = std::max<std::size_t>(1, options_.sessions_max);
    Receiver::Options options;
    options.entity = address_.entity;
    options.unsettled_max = options_.unsettled_max / count;
    options.lock_renewal = options_.lock_renewal;
    options.reject_reason = options_.reject_reason;
    options.sessions = options_.sessions_max > 0;
    options.session = options_.session;
    options.session_idle = options_.session_idle;
    const Receiver::Host host{
        [this](IncomingMessage&& incoming, std::uint64_t tag) { arrived(std::move(incoming), tag); },
        [this] { locks_lost_.fetch_add(1, std::memory_order_relaxed); }};  // no partner: a count
    Receivers receivers;
    for (std::size_t i = 0; i < count; ++i) {
      receivers.push_back(std::make_unique<Receiver>(connection, options, static_cast<std::uint8_t>(i), host));
    }
    return receivers;
  }

  /// Tells the last outcomes, gives back what has none, and goes when the broker has heard it all. First nothing
  /// more must come: what is given back would be sent here again, until the broker buries it.
  Status end(Connection& connection, const Receivers& receivers) {
    settle(receivers);
    for (const auto& receiver : receivers) receiver->give_credit(false);
    const auto quiet = [&] { return std::ranges::none_of(receivers, &Receiver::has_credit, to_reference); };
    (void)connection.finish(quiet, "waiting for the last messages");
    settle(receivers);
    for (const auto& receiver : receivers) receiver->abandon_rest();
    const auto settled = [&] { return std::ranges::all_of(receivers, &Receiver::settled, to_reference); };
    (void)connection.finish(settled, "settling the last messages");
    connection.close();
    return Nothing{};
  }
  static const Receiver& to_reference(const std::unique_ptr<Receiver>& receiver) { return *receiver; }

  /// Tells the broker what was answered; how much that was.
  std::size_t settle(const Receivers& receivers) {
    const auto answers = inbox_->take();
    for (const auto& answer : answers)
      receivers[Receiver::index_of(answer.tag)]->settle(answer.tag, answer.settlement);
    return answers.size();
  }

  void arrived(IncomingMessage&& incoming, std::uint64_t tag) {
    if (is_draining()) return;  // end() gives it back
    if (options_.sequence_numbers == SequenceNumbers::in_header && incoming.sequence_number != 0) {
      incoming.message.headers.emplace_back(kSequenceNumberHeader, std::to_string(incoming.sequence_number));
    }
    const bool redelivered = incoming.deliveries_before > 0 || incoming.sent_before;
    deliver_({std::move(incoming.message), Settle(inbox_, inbox_->issue(tag)), redelivered,
              incoming.deliveries_before + 1});
  }

  void renew_locks(LockRenewal& locks, const Receivers& receivers) {
    locks.look();
    const auto now = std::chrono::steady_clock::now();
    if (now < look_at_locks_) return;
    look_at_locks_ = now + kLockLook;
    for (const auto& receiver : receivers) receiver->renew_locks(locks);
  }

  const ServiceBusSourceOptions options_;
  ServiceBusAddress address_;
  const std::shared_ptr<SettlementInbox> inbox_ = std::make_shared<SettlementInbox>(SettlementInbox::Defers::yes);
  Deliver deliver_;
  std::atomic<std::uint64_t> locks_lost_{0};
  std::chrono::steady_clock::time_point look_at_locks_{};  ///< the loop's thread's own

  mutable std::mutex mutex_;  ///< the flags
  bool paused_ = false;
  bool draining_ = false;

  ConnectionLoop loop_;  ///< last: its thread uses all of the above
};

ServiceBusSource::ServiceBusSource(ServiceBusSourceOptions options)
    : consumer_(std::make_unique<Consumer>(std::move(options))) {}
ServiceBusSource::~ServiceBusSource() = default;

Status ServiceBusSource::start(Deliver deliver) { return consumer_->start(std::move(deliver)); }
void ServiceBusSource::pause() { consumer_->set_paused(true); }
void ServiceBusSource::resume() { consumer_->set_paused(false); }
std::size_t ServiceBusSource::stop(std::chrono::milliseconds deadline) { return consumer_->stop(deadline); }
Health ServiceBusSource::health() const { return consumer_->health(); }
std::uint64_t ServiceBusSource::locks_lost() const { return consumer_->locks_lost(); }

Capabilities ServiceBusSource::capabilities() const {
  return {.name = "servicebus",
          .order_by_key = true,
          .retry = true,
          .dead_letters = true,
          .redelivery_flag = true,
          .headers = true,
          .content_type = true,
          .defer = true,
          .durable = true,
          .unsettled_max = kUnsettledMax,
          .body_bytes_max = kMessageBytesMax};
}

}  // namespace headrace::servicebus
