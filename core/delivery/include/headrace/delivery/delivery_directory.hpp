#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "headrace/dispatch/subscription_state.hpp"

namespace headrace {

class Delivery;

/// Which subscriptions of a bus have a delivery, by name: where dead letters go back to.
/// Threads: any.
class DeliveryDirectory {
 public:
  void add(const std::shared_ptr<SubscriptionState>& state);
  /// The oldest one that has not ended, of that type if one is given; null: there is none.
  [[nodiscard]] std::shared_ptr<SubscriptionState> find(std::string_view subscription,
                                                        std::optional<EventTypeId> type);
  [[nodiscard]] std::vector<std::shared_ptr<SubscriptionState>> all();
  /// On every site: keys flow again whose last letter is gone.
  void free_parked_keys();
  [[nodiscard]] static Delivery& delivery_of(SubscriptionState& state) noexcept;

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<SubscriptionState>> states_;
};

}  // namespace headrace
