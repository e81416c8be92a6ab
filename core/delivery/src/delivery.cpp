#include "headrace/delivery/delivery.hpp"

#include "headrace/base/result.hpp"
#include "headrace/dispatch/dispatcher.hpp"

namespace headrace {
namespace {

DeliveryOptions checked(DeliveryOptions options, const DeliveryDefaults& defaults,
                        const SubscriptionState& subscription, const EventOps& ops) {
  const auto fault = [&](std::string_view what) {
    throw ConfigError("subscription '" + subscription.name + "': " + std::string(what));
  };
  if (!options.retry.fault().empty()) fault(options.retry.fault());
  if (options.ordered && subscription.placement == Placement::balanced) {
    fault("a balanced group has no order; use Placement::sharded");
  }
  if (options.deduplicated && options.deduplicated->store == nullptr &&
      subscription.placement == Placement::balanced) {
    fault("copies of an event reach any worker of a balanced group: give `deduplicated` a store");
  }
  if (options.deduplicated && options.deduplicated->by_key && !ops.has_key) {
    fault("`deduplicated` goes by_key, and " + std::string(ops.name) + " has no key: its events would all be one");
  }
  if (options.deduplicated && options.deduplicated->by) {
    if (options.deduplicated->by_key) fault("`deduplicated` goes by_key and by a function: give one");
    if (options.deduplicated->by.type() != ops.type) {
      fault("`deduplicated` goes by a function of another type than " + std::string(ops.name));
    }
  }
  if (options.park_key && subscription.placement == Placement::balanced) {
    fault("a balanced group has no order that park_key could keep; use Placement::sharded");
  }
  if (options.handler_limit < std::chrono::nanoseconds::zero()) fault("handler_limit is below zero");
  if (options.on_overrun == OnOverrun::move_shards) {
    if (options.handler_limit == std::chrono::nanoseconds::zero()) fault("move_shards needs a handler_limit");
    if (options.breaker) fault("a breaker does not go with move_shards: its probe might not come back");
  }
  if (options.dead_letters == nullptr) options.dead_letters = defaults.dead_letters;
  if (options.park_key && options.dead_letters == nullptr) fault("park_key needs a dead letter store");
  if (options.dead_letters != nullptr && !options.dead_letters->keeps_typed_events() &&
      defaults.event_types == nullptr) {
    fault("its dead letter store keeps bytes: give the bus event_types (DeliveryDefaults)");
  }
  return options;
}

}  // namespace

Delivery::Delivery(DeliveryOptions options, const DeliveryDefaults& defaults, Dispatcher& dispatcher,
                   SubscriptionState& subscription, const EventOps& ops)
    : options_(checked(std::move(options), defaults, subscription, ops)), dispatcher_(dispatcher) {
  for (unsigned worker = 0; worker < dispatcher.worker_count(); ++worker) {
    auto& agent = DeliveryAgent::of(dispatcher, worker, defaults);
    sites_.push_back(std::make_unique<DeliverySite>(options_, subscription, agent));
  }
}

DeliverySite& Delivery::site_of(const DeadLetter& letter, const SubscriptionState& subscription) noexcept {
  const bool pinned = subscription.placement == Placement::pinned;
  const unsigned worker = pinned ? subscription.worker : letter.worker;
  return site(worker < sites_.size() ? worker : 0);
}

const DispatchEntry* Delivery::entry_of(const EventOps& ops, std::string_view topic) {
  const TopicNode* node = nullptr;
  if (dispatcher_.find_topic(ops, topic, node) != PublishStatus::published) return nullptr;
  const std::lock_guard lock(entries_mutex_);
  auto& entry = entries_[{&ops, node}];
  if (entry == nullptr) {
    entry = std::make_unique<DispatchEntry>();
    entry->ops = &ops;
    entry->topic = node;
  }
  return entry.get();
}

}  // namespace headrace
