#include "headrace/bus/bus.hpp"

namespace headrace {

Delivery& Bus::add_delivery(const SubscribeOptions& options, SubscriptionState& state, const EventOps& ops,
                            bool takes_single_events) {
  if (options.on_overrun == OnOverrun::move_shards && !takes_single_events) {
    throw ConfigError("subscription '" + state.name + "': move_shards takes a handler of single events");
  }
  const auto delivery = std::make_shared<Delivery>(options.delivery(), delivery_, *dispatcher_, state, ops);
  state.delivery = delivery;
  if (options.handler_limit > std::chrono::nanoseconds::zero()) {
    watch_handlers(options.handler_limit, options.on_overrun);
  }
  return *delivery;
}

void Bus::watch_handlers(std::chrono::nanoseconds limit, OnOverrun on_overrun) {
  std::vector<WatchSlot*> slots;
  for (unsigned worker = 0; worker < dispatcher_->worker_count(); ++worker) {
    slots.push_back(&DeliveryAgent::of(*dispatcher_, worker, delivery_).watch_slot());
  }
  const bool threads = dispatcher_->options().workers != 0;
  watchdog_->watch(std::move(slots), limit,
                   !threads                               ? Watchdog::Looks::when_asked
                   : on_overrun == OnOverrun::move_shards ? Watchdog::Looks::to_move
                                                          : Watchdog::Looks::to_report);
}

}  // namespace headrace
