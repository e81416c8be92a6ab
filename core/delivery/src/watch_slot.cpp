#include "headrace/delivery/watch_slot.hpp"

#include "headrace/dispatch/context.hpp"
#include "headrace/dispatch/subscription_state.hpp"

namespace headrace {

void WatchSlot::begin(const SubscriptionState& subscription, const Context& context, std::uint64_t now_ns,
                      std::chrono::nanoseconds limit) noexcept {
  const std::lock_guard lock(mutex_);
  subscription_ = &subscription;
  context_ = &context;
  event_ = static_cast<const std::byte*>(context.whole()) + context.entry().ops->payload_offset;
  begun_ns_ = now_ns;
  limit_ = limit;
  reports_at_ = limit;
}

void WatchSlot::end() noexcept {
  const std::lock_guard lock(mutex_);
  subscription_ = nullptr;
}

std::optional<SlowHandler> WatchSlot::slow(std::uint64_t now_ns) const {
  const std::lock_guard lock(mutex_);
  if (subscription_ == nullptr || now_ns < begun_ns_) return std::nullopt;
  const std::chrono::nanoseconds age(now_ns - begun_ns_);
  if (age < limit_) return std::nullopt;
  return describe(age);
}

std::optional<SlowHandler> WatchSlot::newly_slow(std::uint64_t now_ns) {
  const std::lock_guard lock(mutex_);
  if (subscription_ == nullptr || now_ns < begun_ns_) return std::nullopt;
  const std::chrono::nanoseconds age(now_ns - begun_ns_);
  if (age < reports_at_) return std::nullopt;
  reports_at_ = age * 2;
  return describe(age);
}

/// Of the context only what stays as it is during the call: the handler may move its `first`.
SlowHandler WatchSlot::describe(std::chrono::nanoseconds age) const {
  const EventOps& ops = context_->ops();
  return {.subscription = subscription_->name,
          .topic = std::string(context_->topic()),
          .key = ops.has_key ? ops.key_text(event_) : std::string(),
          .worker = context_->worker(),
          .age = age,
          .limit = limit_};
}

}  // namespace headrace
