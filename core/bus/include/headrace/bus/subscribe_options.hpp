#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "headrace/delivery/delivery_options.hpp"
#include "headrace/dispatch/options.hpp"

namespace headrace {

/// How a subscription takes part, and how its events are settled. Every field has a default: `{}` is a group of
/// its own on one worker, whose events are handled once; what fails is counted and reported.
struct SubscribeOptions {
  // Which events, and where: see RoutingOptions.
  std::string filter = {};
  std::string group = {};
  std::string name = {};
  Placement placement = Placement::pinned;
  int worker = -1;
  Overflow overflow = Overflow::block();

  // What becomes of those that fail: see DeliveryOptions. Unless one of these is set, delivery costs nothing.
  bool ordered = false;
  RetryPolicy retry = {};
  ExceptionPolicy exceptions = {};
  std::optional<RetryBudgetOptions> retry_budget = {};
  std::optional<CircuitBreakerOptions> breaker = {};
  KeyOrderOptions waiting = {};
  std::optional<Deduplicated> deduplicated = {};
  std::optional<WhenExpired> when_expired = {};
  std::chrono::nanoseconds handler_limit = {};
  OnOverrun on_overrun = OnOverrun::report;
  bool park_key = false;
  std::shared_ptr<DeadLetterStore> dead_letters = {};

  [[nodiscard]] RoutingOptions routing() const;
  [[nodiscard]] DeliveryOptions delivery() const;
  [[nodiscard]] bool needs_delivery() const noexcept;
};

}  // namespace headrace
