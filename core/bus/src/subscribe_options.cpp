#include "headrace/bus/subscribe_options.hpp"

namespace headrace {

RoutingOptions SubscribeOptions::routing() const {
  return {.filter = filter,
          .group = group,
          .name = name,
          .placement = placement,
          .worker = worker,
          .overflow = overflow};
}

DeliveryOptions SubscribeOptions::delivery() const {
  return {.ordered = ordered,
          .retry = retry,
          .exceptions = exceptions,
          .retry_budget = retry_budget,
          .breaker = breaker,
          .waiting = waiting,
          .deduplicated = deduplicated,
          .when_expired = when_expired.value_or(WhenExpired::drop),
          .handler_limit = handler_limit,
          .on_overrun = on_overrun,
          .park_key = park_key,
          .dead_letters = dead_letters};
}

bool SubscribeOptions::needs_delivery() const noexcept {
  return ordered || park_key || handler_limit != std::chrono::nanoseconds::zero() ||
         on_overrun != OnOverrun::report || retry.attempts_max() > 1 || exceptions.has_rules() || breaker ||
         deduplicated || when_expired || dead_letters != nullptr;
}

}  // namespace headrace
