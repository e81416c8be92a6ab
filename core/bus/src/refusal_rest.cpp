#include "headrace/bus/refusal_rest.hpp"

#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "headrace/base/hash.hpp"

namespace headrace {

namespace bridge_detail {

/// What rests carries itself through the time; the bus's end cuts it short.
struct RestOver {
  std::shared_ptr<const void> resting;
};
HEADRACE_EVENT(RestOver, "headrace.refusal_rest")

}  // namespace bridge_detail

using bridge_detail::RestOver;

struct RefusalRest::Resting {
  std::mutex mutex;
  std::vector<std::shared_ptr<const void>> refused;  // behind mutex
};

RefusalRest::RefusalRest(Bus& bus, Backoff::Options options, std::string_view name)
    : rests_(options.cap.count() > 0),
      backoff_(options, bus.seed() != 0 ? mix64(bus.seed() ^ hash_bytes(name)) : std::random_device()()),
      bus_(&bus) {
  if (!rests_) return;
  subscription_.emplace(
      bus.subscribe<RestOver>(SubscribeOptions{.group = "headrace.refusal_rest", .name = "headrace.refusal_rest"},
                              [](const RestOver&) {}));
}

void RefusalRest::keep(std::shared_ptr<const void> refused) {
  std::shared_ptr<Resting> begun;  // let go after the lock: who hears of it may bring it again at once
  const std::scoped_lock lock(mutex_);
  if (!rests_ || bus_ == nullptr) return;
  if (const auto now = resting_.lock()) {
    const std::scoped_lock adding(now->mutex);
    now->refused.push_back(std::move(refused));
    return;
  }
  begun = std::make_shared<Resting>();
  begun->refused.push_back(std::move(refused));
  resting_ = begun;
  rested_.store(true, std::memory_order_relaxed);  // no partner: a hint
  static_cast<void>(bus_->publish_after(backoff_.next(), RestOver{begun}));
}

void RefusalRest::went_well() noexcept {
  if (!rested_.exchange(false, std::memory_order_relaxed)) return;  // no partner: a hint
  const std::scoped_lock lock(mutex_);
  backoff_.reset();
}

void RefusalRest::leave_bus() {
  std::optional<Subscription> ends;
  const std::scoped_lock lock(mutex_);
  bus_ = nullptr;
  ends.swap(subscription_);
}

}  // namespace headrace
