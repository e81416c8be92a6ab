#pragma once

#include <cstdint>
#include <string>

#include "headrace/event/event_fields.hpp"

// State-carrying: whoever gets it needs to ask nobody.
struct OrderPlaced {
  std::uint64_t order, customer;
  std::uint32_t books;
  std::int64_t cents;
};
HEADRACE_EVENT(OrderPlaced, "orders.placed", key(order), order, customer, books, cents)

struct StockReserved {
  std::uint64_t order;
  std::uint32_t books;
};
HEADRACE_EVENT(StockReserved, "stock.reserved", key(order), order, books)

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
  std::string reason;
};
HEADRACE_EVENT(PaymentRefused, "payments.refused", key(order), order, reason)

// A notification: it says that something has happened, and whoever wants to know more asks for the order.
struct OrderClosed {
  std::uint64_t order;
};
HEADRACE_EVENT(OrderClosed, "orders.closed", key(order), order)
