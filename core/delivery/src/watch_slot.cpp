#include "headrace/delivery/watch_slot.hpp"

#include <algorithm>

#include "headrace/dispatch/context.hpp"
#include "headrace/dispatch/subscription_state.hpp"

namespace headrace {

void WatchSlot::begin(const SubscriptionState& subscription, const Context& context, std::uint64_t now_ns,
                      std::chrono::nanoseconds limit, Call call) noexcept {
  const std::lock_guard lock(mutex_);
  now_ = {.number = now_.number + 1,
          .subscription = &subscription,
          .context = &context,
          .event = static_cast<const std::byte*>(context.whole()) + context.entry().ops->payload_offset,
          .begun_ns = now_ns,
          .limit = limit,
          .reports_at = limit,
          .call = call};
}

WatchSlot::Ended WatchSlot::end(const Context& context) noexcept {
  const std::lock_guard lock(mutex_);
  if (now_.subscription != nullptr && now_.context == &context) {
    now_.subscription = nullptr;
    return Ended::by_worker;
  }
  std::erase_if(left_behind_, [&](const Watched& left) { return left.context == &context; });
  return Ended::left_behind;
}

bool WatchSlot::take(std::uint64_t call) {
  const std::lock_guard lock(mutex_);
  if (now_.subscription == nullptr || now_.number != call) return false;
  left_behind_.push_back(now_);
  now_.subscription = nullptr;
  return true;
}

std::chrono::nanoseconds WatchSlot::Watched::age(std::uint64_t now_ns) const noexcept {
  if (subscription == nullptr || now_ns < begun_ns) return std::chrono::nanoseconds(-1);
  return std::chrono::nanoseconds(now_ns - begun_ns);
}

std::vector<SlowHandler> WatchSlot::slow(std::uint64_t now_ns) const {
  const std::lock_guard lock(mutex_);
  std::vector<SlowHandler> all;
  for (const Watched& left : left_behind_) {
    all.push_back(left.describe(left.age(now_ns)));
    all.back().left_behind = true;
  }
  if (const auto age = now_.age(now_ns); now_.subscription != nullptr && age >= now_.limit) {
    all.push_back(now_.describe(age));
  }
  return all;
}

std::vector<SlowHandler> WatchSlot::newly_slow(std::uint64_t now_ns) {
  const std::lock_guard lock(mutex_);
  std::vector<SlowHandler> all;
  const auto look = [&](Watched& at, bool left_behind) {
    const auto age = at.age(now_ns);
    if (at.subscription == nullptr || age < at.reports_at) return;
    at.reports_at = age * 2;
    all.push_back(at.describe(age));
    all.back().left_behind = left_behind;
  };
  for (Watched& left : left_behind_) look(left, true);
  look(now_, false);
  return all;
}

void WatchSlot::ask_for_stand_in(std::uint64_t now_ns) {
  std::uint64_t call = 0;
  {
    const std::lock_guard lock(mutex_);
    if (now_.subscription == nullptr || now_.call == Call::stays || now_.asked) return;
    if (now_.age(now_ns) < now_.limit) return;
    now_.asked = true;
    call = now_.number;
  }
  if (ask_(call)) return;
  const std::lock_guard lock(mutex_);
  if (now_.number == call) now_.asked = false;  // when one of the threads left behind is back there may be another
}

bool WatchSlot::is_left_behind(const Context& context) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(left_behind_.begin(), left_behind_.end(),
                     [&](const Watched& left) { return left.context == &context; });
}

bool WatchSlot::is_left_behind(const SubscriptionState& subscription, const Context* but) const {
  const std::lock_guard lock(mutex_);
  return std::any_of(left_behind_.begin(), left_behind_.end(), [&](const Watched& left) {
    return left.subscription == &subscription && left.context != but;
  });
}

std::vector<std::string> WatchSlot::left_behind() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> all;
  for (const Watched& left : left_behind_) all.push_back(left.subscription->name);
  return all;
}

/// Of the context only what stays as it is during the call: the handler may move its `first`.
SlowHandler WatchSlot::Watched::describe(std::chrono::nanoseconds age) const {
  const EventOps& ops = context->ops();
  return {.subscription = subscription->name,
          .topic = std::string(context->topic()),
          .key = ops.has_key ? ops.key_text(event) : std::string(),
          .worker = context->worker(),
          .age = age,
          .limit = limit};
}

}  // namespace headrace
