#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/delivery/delivery_directory.hpp"
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
  /// @param ops  of the events that the subscription sees
  Delivery(DeliveryOptions options, const DeliveryDefaults& defaults, Dispatcher& dispatcher,
           SubscriptionState& subscription, const EventOps& ops);

  [[nodiscard]] DeliverySite& site(unsigned worker) noexcept { return *sites_[worker]; }
  /// Where the letter's key is handled.
  [[nodiscard]] DeliverySite& site_of(const DeadLetter& letter, const SubscriptionState& subscription) noexcept;
  template <class F>
  void each_site(F&& visit) {
    for (const auto& site : sites_) visit(*site);
  }
  /// For OnOverrun::move_shards: how the handler is called in a seat. Before the first event.
  void set_seat_call(DeliverySite::SeatCall call) noexcept {
    each_site([call](DeliverySite& site) { site.set_seat_call(call); });
  }
  /// What stands for the topic when a dead letter runs again; null: topics_max topics are known. @thread any
  [[nodiscard]] const DispatchEntry* entry_of(const EventOps& ops, std::string_view topic);

 private:
  const DeliveryOptions options_;
  Dispatcher& dispatcher_;
  std::mutex entries_mutex_;
  std::map<std::pair<const EventOps*, const TopicNode*>, std::unique_ptr<DispatchEntry>> entries_;
  std::vector<std::unique_ptr<DeliverySite>> sites_;  ///< by worker; null where the subscription does not run
};

}  // namespace headrace
