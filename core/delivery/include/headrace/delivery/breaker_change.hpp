#pragma once

#include <cstdint>
#include <string_view>

#include "headrace/delivery/circuit_breaker.hpp"
#include "headrace/event/event_traits.hpp"

namespace headrace {

struct SubscriptionState;

/// A subscription's circuit breaker changed on one of its workers, each of which has one of its own.
struct BreakerChange {
  std::string_view subscription;
  unsigned worker;
  CircuitBreaker::State state;
  /// It holds nothing back any more. It has been open for long enough, and the next event will probe: told when none
  /// has, because none waited; sources that were paused must go on, or none would come. Or its subscription has ended.
  bool may_probe = false;
  const SubscriptionState& of;

  /// Nothing runs: what comes only waits.
  [[nodiscard]] bool holds_back() const noexcept { return state == CircuitBreaker::State::open && !may_probe; }
  /// Whether the subscription sees events of this type and topic. Allocates.
  [[nodiscard]] bool takes(EventTypeId type, std::string_view topic) const;
};

}  // namespace headrace
