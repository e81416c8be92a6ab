#include "headrace/servicebus/servicebus_source.hpp"

#include <proton/session.h>
#include <proton/terminus.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "amqp_message.hpp"
#include "claims.hpp"
#include "connection.hpp"
#include "headrace/port/connection_loop.hpp"
#include "headrace/port/settlement_inbox.hpp"
#include "lock_renewal.hpp"

namespace headrace::servicebus {
namespace {

using std::chrono::milliseconds;

/// Service Bus's own clients do not fetch more ahead.
constexpr std::size_t kUnsettledMax = 2'000;
constexpr milliseconds kSourceIdle{250};
/// How often locks are looked at.
constexpr milliseconds kLockLook{200};
constexpr std::string_view kDeadLetterQueue = "/$DeadLetterQueue";
constexpr const char* kDeadLetter = "com.microsoft:dead-letter";

std::int64_t wall_clock_ms() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void put_reason(pn_data_t* info, std::string_view name, std::string_view text) {
  pn_data_put_symbol(info, bytes_of(name));
  pn_data_put_string(info, bytes_of(text));
}

}  // namespace

class ServiceBusSource::Consumer final : private LinkEvents {
 public:
  explicit Consumer(ServiceBusSourceOptions options)
      : options_(std::move(options)),
        loop_({options_.server.backoff, options_.server.on_health, options_.server.answer_timeout}) {
    inbox_->on_answer([waker = loop_.waker()] { waker->wake(); });
  }

  Status start(Deliver deliver) {
    if (options_.unsettled_max == 0 || options_.unsettled_max > kUnsettledMax) {
      return Error{"unsettled_max must be 1 to 2000", "servicebus source"};
    }
    if (options_.lock_renewal.count() < 0) return Error{"lock_renewal must not be negative", "servicebus source"};
    auto address = ServiceBusAddress::of(options_.server, options_.entity);
    if (!address) return address.error();
    if (options_.sub_queue == SubQueue::dead_letters) address->entity += kDeadLetterQueue;
    address_ = std::move(*address);
    reader_.emplace(address_.entity);
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
  using Clock = std::chrono::steady_clock;
  /// A message whose outcome the broker does not know.
  struct Held {
    pn_delivery_t* delivery = nullptr;
    LockToken token{};
    Clock::time_point renew_at = Clock::time_point::max();
    Clock::time_point renew_until = Clock::time_point::min();
    bool told = false;
  };

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
    connection_ = connection->get();
    const Status ended = serve(**connection);
    connection_ = nullptr;
    held_.clear();
    inbox_->renew();
    return ended;
  }

  Status serve(Connection& connection) {
    Claims claims(connection, address_, options_.server);
    const bool renews = options_.lock_renewal.count() > 0;
    if (options_.server.login == Login::token) {
      claims.ask(address_.entity);
      if (renews) claims.ask(address_.entity + "/$management");
    }
    if (Status in = connection.await([&] { return claims.granted(); }, "asking for access"); !in) return in;
    std::optional<LockRenewal> locks;
    if (renews) {
      locks.emplace(connection, address_.entity,
                    [this](std::uint64_t tag, std::int64_t until_ms) { lock_renewed(tag, until_ms); });
    }
    open_link(connection);
    if (Status in = connection.await([this] { return opened_; }, "opening the link"); !in) return in;
    loop_.connected();
    for (loop_.waker()->begin(); !loop_.halting(); loop_.waker()->begin()) {
      claims.renew();
      if (locks) renew_locks(*locks);
      const std::size_t settled = settle();
      give_credit();
      auto moved = connection.exchange();
      if (!moved) return moved.error();
      if (settled == 0 && !*moved) connection.wait(kSourceIdle);
    }
    return end(connection);
  }

  void open_link(Connection& connection) {
    opened_ = false;
    link_ = pn_receiver(connection.session(), "receive");
    pn_terminus_set_address(pn_link_source(link_), address_.entity.c_str());
    pn_terminus_set_address(pn_link_target(link_), "headrace");
    // The broker settles first: an outcome that it refuses, since the lock is lost, is seen.
    pn_link_set_snd_settle_mode(link_, PN_SND_UNSETTLED);
    pn_link_set_rcv_settle_mode(link_, PN_RCV_SECOND);
    connection.watch(link_, *this);
    pn_link_open(link_);
  }

  /// Tells the last outcomes, gives back what has none, and goes when the broker has heard it all. First nothing
  /// more must come: what is given back would be sent here again, until the broker buries it.
  Status end(Connection& connection) {
    settle();
    take_credit_back();
    (void)connection.finish([this] { return pn_link_credit(link_) <= 0; }, "waiting for the last messages");
    for (auto& [tag, held] : held_) {
      if (!held.told) tell(held, Settlement::retry);
    }
    (void)connection.finish([this] { return held_.empty(); }, "settling the last messages");
    connection.close();
    return Nothing{};
  }

  /// As much as may be out less what is; none while paused, and what was given is taken back.
  void give_credit() {
    const bool wanted = wants_messages();
    if (!wanted) return take_credit_back();
    if (pn_link_get_drain(link_)) pn_link_set_drain(link_, false);
    const auto out = held_.size() + static_cast<std::size_t>(std::max(0, pn_link_credit(link_)));
    if (out >= options_.unsettled_max) return;
    const std::size_t room = options_.unsettled_max - out;
    // Little by little would be a frame for each message.
    if (pn_link_credit(link_) == 0 || 4 * room >= options_.unsettled_max)
      pn_link_flow(link_, static_cast<int>(room));
  }

  void take_credit_back() {
    if (pn_link_credit(link_) > 0 && !pn_link_get_drain(link_)) pn_link_drain(link_, 0);
  }

  /// Tells the broker what was answered; how much that was.
  std::size_t settle() {
    const auto answers = inbox_->take();
    for (const auto& answer : answers) {
      const auto at = held_.find(answer.tag);
      if (at != held_.end()) tell(at->second, answer.settlement);
    }
    return answers.size();
  }
  void tell(Held& held, Settlement settlement) {
    held.told = true;
    pn_disposition_t* const outcome = pn_delivery_local(held.delivery);
    switch (settlement) {
      case Settlement::done:
        return pn_delivery_update(held.delivery, PN_ACCEPTED);
      case Settlement::retry:
        pn_disposition_set_failed(outcome, true);
        return pn_delivery_update(held.delivery, PN_MODIFIED);
      case Settlement::reject:
        return bury(held.delivery, options_.reject_reason);
    }
  }
  static void bury(pn_delivery_t* delivery, const std::string& reason) {
    pn_condition_t* const condition = pn_disposition_condition(pn_delivery_local(delivery));
    pn_condition_set_name(condition, kDeadLetter);
    pn_data_t* const info = pn_condition_info(condition);
    pn_data_put_map(info);
    pn_data_enter(info);
    put_reason(info, "DeadLetterReason", reason);
    pn_data_exit(info);
    pn_delivery_update(delivery, PN_REJECTED);
  }

  void opened(pn_link_t*) override { opened_ = true; }
  void delivered(pn_delivery_t* delivery) override {
    const auto tag =
        static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(pn_delivery_get_context(delivery)));
    if (tag != 0) return answered(delivery, tag);
    if (pn_delivery_aborted(delivery)) return pn_delivery_settle(delivery);
    if (const auto bytes = read_whole(delivery, buffer_)) take(delivery, *bytes);
  }
  /// The broker has settled, as told or otherwise.
  void answered(pn_delivery_t* delivery, std::uint64_t tag) {
    if (!pn_delivery_updated(delivery) || !pn_delivery_settled(delivery)) return;
    if (pn_delivery_remote_state(delivery) == PN_REJECTED && pn_delivery_local_state(delivery) != PN_REJECTED) {
      locks_lost_.fetch_add(1, std::memory_order_relaxed);  // no partner: a count
    }
    pn_delivery_settle(delivery);
    held_.erase(tag);
  }
  void take(pn_delivery_t* delivery, std::string_view bytes) {
    const std::uint64_t tag = ++tags_;
    pn_delivery_set_context(delivery, reinterpret_cast<void*>(static_cast<std::uintptr_t>(tag)));
    Held& held = held_[tag];
    held.delivery = delivery;
    const std::string_view token = text_of(pn_delivery_tag(delivery));
    auto incoming = reader_->of(bytes);
    if (!incoming) {
      held.told = true;
      return bury(delivery, "headrace: the body is neither bytes nor text");
    }
    if (token.size() == held.token.size() && incoming->locked_until_ms != 0) {
      std::ranges::copy(token, held.token.begin());
      held.renew_until = Clock::now() + options_.lock_renewal;
      renew_at_half(held, incoming->locked_until_ms);
    }
    if (is_draining()) return;  // end() gives it back
    const bool redelivered = incoming->deliveries_before > 0 || incoming->sent_before;
    deliver_({std::move(incoming->message), Settle(inbox_, inbox_->issue(tag)), redelivered,
              incoming->deliveries_before + 1});
  }

  static void renew_at_half(Held& held, std::int64_t until_ms) {
    held.renew_at = Clock::now() + milliseconds(std::max<std::int64_t>(0, until_ms - wall_clock_ms()) / 2);
  }
  void renew_locks(LockRenewal& locks) {
    locks.look();
    const auto now = Clock::now();
    if (now < look_at_locks_) return;
    look_at_locks_ = now + kLockLook;
    std::vector<LockRenewal::Lock> due;
    for (auto& [tag, held] : held_) {
      if (held.told || held.renew_at > now || held.renew_until < now) continue;
      held.renew_at = now + kLockLook;  // again, should the broker not be able to tell
      due.push_back({tag, held.token});
    }
    locks.renew(std::move(due));
  }
  void lock_renewed(std::uint64_t tag, std::int64_t until_ms) {
    const auto at = held_.find(tag);
    if (at == held_.end()) return;
    if (until_ms == 0) {
      at->second.renew_at = Clock::time_point::max();  // its outcome will be refused, and is counted then
    } else {
      renew_at_half(at->second, until_ms);
    }
  }

  const ServiceBusSourceOptions options_;
  ServiceBusAddress address_;
  const std::shared_ptr<SettlementInbox> inbox_ = std::make_shared<SettlementInbox>();
  Deliver deliver_;
  std::atomic<std::uint64_t> locks_lost_{0};

  // The loop's thread's own.
  std::optional<MessageReader> reader_;
  std::string buffer_;
  std::unordered_map<std::uint64_t, Held> held_;
  std::uint64_t tags_ = 0;  ///< from 1
  Clock::time_point look_at_locks_{};
  Connection* connection_ = nullptr;
  pn_link_t* link_ = nullptr;
  bool opened_ = false;

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
          .durable = true,
          .unsettled_max = kUnsettledMax,
          .body_bytes_max = std::size_t{100} << 20};
}

}  // namespace headrace::servicebus
