#include "shop.hpp"

#include <stdexcept>
#include <variant>
#include <vector>

#include "headrace/base/hash.hpp"

namespace {

constexpr std::int64_t kBooksAtFirst = 100;

// Which effect of its cause an event is: part of its id.
enum Effect : std::uint64_t { kClosed = 1, kReserved, kReleased };

std::unique_ptr<hr::SqliteEventStore> open_store(const std::filesystem::path& file) {
  auto opened = hr::SqliteEventStore::open({.file = file});
  if (!opened) throw std::runtime_error(opened.error().message());
  const auto made = (*opened)->transact([](hr::SqliteTransaction& transaction) -> hr::Status {
    if (auto table = transaction.run("CREATE TABLE IF NOT EXISTS stock (books INTEGER)"); !table)
      return table.error();
    const auto row =
        transaction.run("INSERT INTO stock SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM stock)", {kBooksAtFirst});
    return row ? hr::Status{hr::Nothing{}} : hr::Status{row.error()};
  });
  if (!made) throw std::runtime_error(made.error().message());
  return std::move(opened).value();
}

}  // namespace

std::string stream_of(std::uint64_t order) { return "order-" + std::to_string(order); }

hr::EventId Cause::id_of_effect(std::uint64_t number) const {
  if (!event) return hr::EventId::make();
  const std::uint64_t mixed = hr::mix64(event.high ^ hr::mix64(event.low + number));
  return hr::EventId::of(event.unix_ms(), mixed, hr::mix64(mixed));
}

Shop::Shop(const std::filesystem::path& file) : store_(open_store(file)), orders_(*store_, orders()) {}

hr::AggregateKind<Order> Shop::orders() const {
  hr::AggregateKind<Order> kind;
  kind.fold = [this](Order& order, const hr::StoredEvent& stored) -> hr::Status {
    const std::string& topic = stored.event.envelope.topic;
    if (topic == "orders.placed") order = {Order::State::placed, decoded<OrderPlaced>(stored.event)};
    if (topic == "orders.closed") {
      const bool confirmed = stored.event.envelope.tags == std::vector<std::string>{"confirmed"};
      order.state = confirmed ? Order::State::confirmed : Order::State::cancelled;
    }
    return hr::Nothing{};
  };
  kind.hot_max = 1000;
  return kind;
}

hr::Result<hr::EventId> Shop::place(const OrderPlaced& order) {
  hr::EventId id;
  const auto placed = orders_.execute(stream_of(order.order),
                                      [&](const Order& known) -> hr::Result<std::vector<hr::EncodedEvent>> {
                                        if (known.state != Order::State::none)
                                          return hr::Error{"the order has been placed", stream_of(order.order)};
                                        std::vector<hr::EncodedEvent> events{encoded(order, {}, 0)};
                                        id = events[0].envelope.id;
                                        return events;
                                      });
  if (!placed) return placed.error();
  return id;
}

hr::Status Shop::close(std::uint64_t number, Order::State state, Cause cause) {
  const auto closed =
      orders_.execute(stream_of(number), [&](const Order& order) -> hr::Result<std::vector<hr::EncodedEvent>> {
        if (order.state != Order::State::placed) return std::vector<hr::EncodedEvent>{};
        hr::EncodedEvent event = encoded(OrderClosed{number}, cause, kClosed);
        event.envelope.tags = {state == Order::State::confirmed ? "confirmed" : "cancelled"};
        return std::vector{std::move(event)};
      });
  return closed ? hr::Status{hr::Nothing{}} : hr::Status{closed.error()};
}

hr::Result<Order> Shop::order(std::uint64_t number) {
  auto loaded = orders_.load(stream_of(number));
  if (!loaded) return loaded.error();
  return std::move(loaded->state);
}

hr::Status Shop::record(std::uint64_t order, hr::EncodedEvent event) {
  const auto receipt =
      store_->append(hr::AppendRequest::to(stream_of(order), hr::ExpectedVersion::any(), {std::move(event)}));
  return receipt ? hr::Status{hr::Nothing{}} : hr::Status{receipt.error()};
}

hr::Status Shop::change_stock(std::int64_t books, std::uint64_t order, hr::EncodedEvent event) {
  return store_->transact([&](hr::SqliteTransaction& transaction) -> hr::Status {
    const auto receipt = transaction.append(
        hr::AppendRequest::to(stream_of(order), hr::ExpectedVersion::any(), {std::move(event)}));
    if (!receipt) return receipt.error();
    if (receipt->outcome == hr::AppendOutcome::duplicate) return hr::Nothing{};
    const auto row = transaction.run("UPDATE stock SET books = books + ?1", {books});
    return row ? hr::Status{hr::Nothing{}} : hr::Status{row.error()};
  });
}

hr::Status Shop::reserve(std::uint64_t order, std::uint32_t books, Cause cause) {
  return change_stock(-std::int64_t{books}, order, encoded(StockReserved{order, books}, cause, kReserved));
}

hr::Status Shop::release(std::uint64_t order, std::uint32_t books, Cause cause) {
  return change_stock(books, order, encoded(StockReleased{order, books}, cause, kReleased));
}

std::int64_t Shop::books_in_stock() {
  std::int64_t books = -1;
  static_cast<void>(store_->transact([&](hr::SqliteTransaction& transaction) -> hr::Status {
    const auto rows = transaction.query("SELECT books FROM stock");
    if (!rows) return rows.error();
    books = std::get<std::int64_t>(rows->at(0).at(0));
    return hr::Nothing{};
  }));
  return books;
}

Bank::Answer Bank::pay(const std::string& key, std::uint64_t customer, std::int64_t cents) {
  if (calls_[key]++ == 0) return Answer::not_there;
  if (customer == kPoorCustomer) return Answer::refused;
  if (customer == kOddCustomer && !repaired_) return Answer::garbage;
  paid_[key] = cents;
  return Answer::paid;
}

std::int64_t Bank::cents_taken() const {
  std::int64_t cents = 0;
  for (const auto& [key, amount] : paid_) cents += amount;
  return cents;
}
