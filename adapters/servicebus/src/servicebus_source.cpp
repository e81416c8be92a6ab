#include "headrace/servicebus/servicebus_source.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "amqp_message.hpp"
#include "claims.hpp"
#include "connection.hpp"
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

class ServiceBusSource::Consumer final : public SourceReader {
 public:
  explicit Consumer(const ServiceBusSourceOptions& options)
      : SourceReader({.loop = {.backoff = options.server.backoff,
                               .on_health = options.server.on_health,
                               .patience = options.server.answer_timeout,
                               .down_after = options.server.down_after},
                      .capabilities = {.name = "servicebus",
                                       .order_by_key = true,
                                       .retry = true,
                                       .dead_letters = true,
                                       .reject_reason = true,
                                       .redelivery_flag = true,
                                       .headers = true,
                                       .content_type = true,
                                       .defer = true,
                                       .durable = true,
                                       .unsettled_max = kUnsettledMax,
                                       .body_bytes_max = kMessageBytesMax}}),
        options_(options) {}

  std::uint64_t locks_lost() const noexcept {
    return locks_lost_.load(std::memory_order_relaxed);  // no partner: a count
  }

 private:
  using Receivers = std::vector<std::unique_ptr<Receiver>>;

  Status check() override {
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
    auto address = ServiceBusAddress::of(options_.server, options_.entity);
    if (!address) return address.error();
    if (options_.sub_queue == SubQueue::dead_letters) address->entity += kDeadLetterQueue;
    address_ = std::move(*address);
    return Nothing{};
  }

  Status connect_and_serve() override {
    auto connection = Connection::open(address_, options_.server, loop());
    if (!connection) return connection.error();
    return serve(**connection);
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
    loop().connected();
    for (loop().waker()->begin(); !loop().halting(); loop().waker()->begin()) {
      claims.renew();
      if (locks) renew_locks(*locks, receivers);
      const std::size_t settled = settle(receivers);
      const bool wanted = gate().may_deliver();
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
    const auto answers = gate().inbox()->take();
    for (const auto& answer : answers)
      receivers[Receiver::index_of(answer.tag)]->settle(answer.tag, answer.settlement, answer.reason);
    return answers.size();
  }

  void arrived(IncomingMessage&& incoming, std::uint64_t tag) {
    if (gate().draining()) return;  // end() gives it back
    if (options_.sequence_numbers == SequenceNumbers::in_header && incoming.sequence_number != 0) {
      incoming.message.headers.emplace_back(kSequenceNumberHeader, std::to_string(incoming.sequence_number));
    }
    const bool redelivered = incoming.deliveries_before > 0 || incoming.sent_before;
    deliver(std::move(incoming.message), tag, redelivered, incoming.deliveries_before + 1);
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
  std::atomic<std::uint64_t> locks_lost_{0};
  std::chrono::steady_clock::time_point look_at_locks_{};  ///< the loop's thread's own
};

ServiceBusSource::ServiceBusSource(ServiceBusSourceOptions options)
    : GatedSource(std::make_unique<Consumer>(options)) {}

std::uint64_t ServiceBusSource::locks_lost() const { return static_cast<const Consumer&>(reader()).locks_lost(); }

}  // namespace headrace::servicebus
