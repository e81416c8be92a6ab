#pragma once

#include <cstdint>
#include <string>

#include "headrace/event/event_fields.hpp"

// All of them carry what the next service needs, so that none has to ask another.

struct OrderPlaced {
  std::uint64_t order, customer;
  std::uint32_t books;
  std::int64_t cents;
};
HEADRACE_EVENT(OrderPlaced, "orders.placed", key(order), order, customer, books, cents)

struct StockReserved {
  std::uint64_t order, customer;
  std::uint32_t books;
  std::int64_t cents;
};
HEADRACE_EVENT(StockReserved, "stock.reserved", key(order), order, customer, books, cents)

struct StockReleased {
  std::uint64_t order;
  std::uint32_t books;
};
HEADRACE_EVENT(StockReleased, "stock.released", key(order), order, books)

struct PaymentTaken {
  std::uint64_t order;
  std::int64_t cents;
};
HEADRACE_EVENT(PaymentTaken, "payments.taken", key(order), order, cents)

struct PaymentRefused {
  std::uint64_t order;
  std::uint32_t books;
  std::string reason;
};
HEADRACE_EVENT(PaymentRefused, "payments.refused", key(order), order, books, reason)

struct OrderClosed {
  std::uint64_t order;
  bool confirmed;
};
HEADRACE_EVENT(OrderClosed, "orders.closed", key(order), order, confirmed)
