#pragma once

#include <memory>
#include <vector>

#include "headrace/delivery/delivery_options.hpp"
#include "headrace/delivery/delivery_site.hpp"

namespace headrace {

class Dispatcher;

/// How one subscription's events are settled, on every worker that may run it. Lives as long as the subscription's
/// state.
class Delivery {
 public:
  /// Throws ConfigError for options that contradict each other. Attaches an agent to each worker of the dispatcher
  /// that has none.
  Delivery(DeliveryOptions options, const DeliveryDefaults& defaults, Dispatcher& dispatcher,
           SubscriptionState& subscription);

  [[nodiscard]] DeliverySite& site(unsigned worker) noexcept { return *sites_[worker]; }

 private:
  const DeliveryOptions options_;
  std::vector<std::unique_ptr<DeliverySite>> sites_;  ///< by worker; null where the subscription does not run
};

}  // namespace headrace
