#include "choreography.hpp"

#include <chrono>
#include <thread>
#include <utility>
#include <variant>

namespace {

// As those of the shop.
enum PaymentEffect : std::uint64_t { kTaken = 10, kRefused };

/// What a handler's event says of where it comes from.
Cause cause_of(const hr::Context& context) { return {context.meta()->correlation, context.meta()->id}; }

hr::Outcome outcome_of(const hr::Status& status) { return status ? hr::done() : hr::retry(status.error().what); }

/// A service of its own, that knows repetitions and tries again what fails.
hr::SubscribeOptions service(const char* name) {
  hr::SubscribeOptions options;
  options.name = options.group = name;
  options.retry = hr::exponential(std::chrono::milliseconds{1}, 2.0, 5);
  options.deduplicated = hr::Deduplicated{};
  return options;
}

hr::Status count(hr::SqliteTransaction& transaction, const hr::StoredEvent& stored, std::int64_t cents) {
  if (auto table = transaction.run("CREATE TABLE IF NOT EXISTS takings (stream TEXT PRIMARY KEY, cents INTEGER)");
      !table) {
    return table.error();
  }
  const auto row = transaction.run("INSERT INTO takings VALUES (?1, ?2)", {stored.stream, cents});
  return row ? hr::Status{hr::Nothing{}} : hr::Status{row.error()};
}

}  // namespace

Choreography::Choreography(Shop& shop, Bank& bank) : shop_(shop), bank_(bank) {
  start_services();
  bus_.start();
  hr::SqliteEventStore& store = shop.store();
  make_topics_durable();
  const auto takings = [&shop](hr::SqliteTransaction& transaction, const hr::StoredEvent& stored) -> hr::Status {
    if (stored.event.envelope.topic != "payments.taken") return hr::Nothing{};
    return count(transaction, stored, shop.decoded<PaymentTaken>(stored.event).cents);
  };
  analytics_ = std::make_unique<hr::Projection>(store, hr::ProjectionOptions{.name = "takings"},
                                                store.read_model("takings", takings));
}

Choreography::~Choreography() {
  static_cast<void>(durable_->stop(std::chrono::seconds{5}).has_value());
  const hr::StopReport report = bus_.stop(std::chrono::seconds{5});
  std::printf("%s\n", to_string(report.ledger).c_str());
}

/// What is stored goes to the services until they have handled it, over crashes too. Only what somebody listens to:
/// stock.released has no listener, and would wait for one.
void Choreography::make_topics_durable() {
  auto types = std::make_shared<hr::EventTypes>(std::make_shared<hr::wire::JsonCodec>());
  types->add<OrderPlaced>();
  types->add<StockReserved>();
  types->add<PaymentTaken>();
  types->add<PaymentRefused>();
  types->add<OrderClosed>();
  hr::SqliteEventStore& store = shop_.store();
  durable_ = std::make_unique<hr::DurableTopics>(bus_, store, store.checkpoints(), types,
                                                 hr::FollowerOptions{.name = "services"});
  static_cast<void>(durable_->topic<OrderPlaced>());
  static_cast<void>(durable_->topic<StockReserved>());
  static_cast<void>(durable_->topic<PaymentTaken>());
  static_cast<void>(durable_->topic<PaymentRefused>());
  static_cast<void>(durable_->topic<OrderClosed>());
  durable_->start();
}

void Choreography::start_services() {
  services_.push_back(bus_.subscribe<OrderPlaced>(
      service("inventory"), [this](const OrderPlaced& placed, hr::Context& context) -> hr::Outcome {
        return outcome_of(shop_.reserve(placed.order, placed.books, cause_of(context)));
      }));
  services_.push_back(bus_.subscribe<PaymentRefused>(
      service("inventory-refused"), [this](const PaymentRefused& refused, hr::Context& context) -> hr::Outcome {
        const auto order = shop_.order(refused.order);
        if (!order) return hr::retry(order.error().what);
        return outcome_of(shop_.release(refused.order, order->placed.books, cause_of(context)));
      }));
  services_.push_back(bus_.subscribe<StockReserved>(
      service("payment"), [this](const StockReserved& reserved, hr::Context& context) -> hr::Outcome {
        return pay(reserved, context);
      }));
  services_.push_back(bus_.subscribe<PaymentTaken>(
      service("orders-paid"), [this](const PaymentTaken& taken, hr::Context& context) -> hr::Outcome {
        return outcome_of(shop_.close(taken.order, Order::State::confirmed, cause_of(context)));
      }));
  services_.push_back(bus_.subscribe<PaymentRefused>(
      service("orders-refused"), [this](const PaymentRefused& refused, hr::Context& context) -> hr::Outcome {
        return outcome_of(shop_.close(refused.order, Order::State::cancelled, cause_of(context)));
      }));
  services_.push_back(bus_.subscribe<OrderClosed>(
      service("mail"), [this](const OrderClosed& closed) -> hr::Outcome { return send_mail(closed); }));
}

hr::Outcome Choreography::pay(const StockReserved& reserved, hr::Context& context) {
  const auto order = shop_.order(reserved.order);
  if (!order) return hr::retry(order.error().what);
  const OrderPlaced& placed = order->placed;
  const Cause cause = cause_of(context);
  switch (bank_.pay(stream_of(placed.order), placed.customer, placed.cents)) {
    case Bank::Answer::paid:
      return outcome_of(
          shop_.record(placed.order, shop_.encoded(PaymentTaken{placed.order, placed.cents}, cause, kTaken)));
    case Bank::Answer::refused:
      return outcome_of(shop_.record(
          placed.order, shop_.encoded(PaymentRefused{placed.order, "not enough money"}, cause, kRefused)));
    case Bank::Answer::not_there:
      return hr::retry("the bank is not there");
    case Bank::Answer::garbage:
      break;
  }
  return hr::dead_letter("the bank answers garbage");
}

/// Sending is no append that knows repetitions: what it did is remembered by the `deduplicated` of its service.
hr::Outcome Choreography::send_mail(const OrderClosed& closed) {
  const auto order = shop_.order(closed.order);
  if (!order) return hr::retry(order.error().what);
  const bool confirmed = order->state == Order::State::confirmed;
  {
    const std::lock_guard lock(mutex_);
    mails_[closed.order] += confirmed ? "your books are on their way" : "we could not take your money";
  }
  mailed_.notify_all();
  return hr::done();
}

void Choreography::wait_for_mails(std::size_t mails) {
  std::unique_lock lock(mutex_);
  mailed_.wait(lock, [&] { return mails_.size() >= mails; });
}

std::map<std::uint64_t, std::string> Choreography::mails() {
  const std::lock_guard lock(mutex_);
  return mails_;
}

void Choreography::wait_for_letter() {
  while (letters_->counts()->stored == 0) std::this_thread::yield();
}

std::uint64_t Choreography::redrive() {
  const auto run = bus_.dead_letters().redrive(hr::DeadLetterFilter{});
  while (!run->report().finished) std::this_thread::yield();
  return run->report().handled;
}

void Choreography::publish_again(const OrderPlaced& order, hr::EventId id) {
  static_cast<void>(bus_.publish(order, {.id = id, .correlation = id}));
}

std::int64_t Choreography::cents_of_confirmed_orders() {
  hr::SqliteEventStore& store = shop_.store();
  if (!analytics_->wait_for(*store.last_position(), std::chrono::minutes{1})) return -1;
  std::int64_t cents = -1;
  static_cast<void>(store.transact([&](hr::SqliteTransaction& transaction) -> hr::Status {
    const auto rows = transaction.query("SELECT sum(cents) FROM takings");
    if (!rows) return rows.error();
    cents = std::get<std::int64_t>(rows->at(0).at(0));
    return hr::Nothing{};
  }));
  return cents;
}
