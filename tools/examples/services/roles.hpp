#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "service.hpp"

// The four services of a shop. Each knows its own file and the events it hears, and nothing of the others:
//
//   order ─ orders.placed ─► inventory ─ stock.reserved ─► payment ─ payments.taken, refused ─► order ─ orders.closed
//                               ▲                             └───── payments.refused ──┐            └─► notification
//                               └──────────── gives the books back ────────────────────┘

/// Somebody else's: it is not always there, refuses who has no money, and answers garbage until it is repaired.
class Bank {
 public:
  enum class Answer : std::uint8_t { paid, refused, not_there, garbage };
  static constexpr std::uint64_t kPoorCustomer = 13;
  static constexpr std::uint64_t kOddCustomer = 99;

  explicit Bank(std::function<bool()> is_repaired) : is_repaired_(std::move(is_repaired)) {}
  [[nodiscard]] Answer pay(std::uint64_t customer);

 private:
  std::function<bool()> is_repaired_;
  std::atomic<std::uint64_t> calls_{0};
};

struct RoleOptions {
  std::function<bool()> bank_is_repaired = [] { return true; };
  std::function<void(std::uint64_t order, std::string_view text)> mail;  ///< how a customer hears
};

/// Gives a service its part: order, inventory, payment or notification. False: there is no such role.
[[nodiscard]] bool play(std::string_view role, Service& service, const RoleOptions& options);
