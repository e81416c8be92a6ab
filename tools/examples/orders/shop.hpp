#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "events.hpp"
#include "headrace/sourcing/aggregate.hpp"
#include "headrace/sqlite/event_store.hpp"
#include "headrace/wire/codecs.hpp"

namespace hr = headrace;

/// Where an event comes from: its transaction, and what caused it. What it causes itself is numbered, so that the
/// same work done twice has the same ids, and is stored once.
struct Cause {
  hr::EventId correlation = {};
  hr::EventId event = {};

  [[nodiscard]] hr::EventId id_of_effect(std::uint64_t number) const;
};

/// An order as its events tell it.
struct Order {
  enum class State : std::uint8_t { none, placed, confirmed, cancelled };
  State state = State::none;
  OrderPlaced placed{};
};

/// The shop's own part, the same for choreography and orchestration: one file with the events, the stock beside
/// them, and what an order is.
class Shop {
 public:
  explicit Shop(const std::filesystem::path& file);

  [[nodiscard]] hr::SqliteEventStore& store() { return *store_; }

  /// Answers the event's id, by which the whole transaction is found again.
  [[nodiscard]] hr::Result<hr::EventId> place(const OrderPlaced& order);
  /// Once, however often it is called.
  [[nodiscard]] hr::Status close(std::uint64_t order, Order::State state, Cause cause);
  [[nodiscard]] hr::Result<Order> order(std::uint64_t number);

  /// The stock's row and the event change together, once for each cause.
  [[nodiscard]] hr::Status reserve(std::uint64_t order, std::uint32_t books, Cause cause);
  [[nodiscard]] hr::Status release(std::uint64_t order, std::uint32_t books, Cause cause);
  [[nodiscard]] std::int64_t books_in_stock();

  template <class T>
  [[nodiscard]] hr::EncodedEvent encoded(const T& event, Cause cause, std::uint64_t number) const {
    hr::Envelope envelope;
    envelope.id = cause.id_of_effect(number);
    envelope.correlation = cause.correlation ? cause.correlation : envelope.id;
    envelope.causation = cause.event;
    return hr::encode_event(json_, event, std::move(envelope)).value();
  }
  template <class T>
  [[nodiscard]] T decoded(const hr::EncodedEvent& event) const {
    return hr::decode_event<T>(json_, event).value();
  }
  /// An event of the order, stored once.
  [[nodiscard]] hr::Status record(std::uint64_t order, hr::EncodedEvent event);

 private:
  [[nodiscard]] hr::Status change_stock(std::int64_t books, std::uint64_t order, hr::EncodedEvent event);
  [[nodiscard]] hr::AggregateKind<Order> orders() const;

  hr::wire::JsonCodec json_;
  std::unique_ptr<hr::SqliteEventStore> store_;
  hr::Aggregate<Order> orders_;
};

/// Somebody else's service: it is not always there, and knows a payment again by its key.
class Bank {
 public:
  enum class Answer : std::uint8_t { paid, refused, not_there, garbage };
  static constexpr std::uint64_t kPoorCustomer = 13;
  static constexpr std::uint64_t kOddCustomer = 99;  ///< until it is repaired

  [[nodiscard]] Answer pay(const std::string& key, std::uint64_t customer, std::int64_t cents);
  void refund(const std::string& key) { paid_.erase(key); }
  void repair() { repaired_ = true; }
  [[nodiscard]] std::int64_t cents_taken() const;

 private:
  std::map<std::string, int> calls_;
  std::map<std::string, std::int64_t> paid_;
  std::atomic<bool> repaired_ = false;
};

[[nodiscard]] std::string stream_of(std::uint64_t order);
