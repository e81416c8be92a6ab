#include "headrace/delivery/delivery_agent.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "headrace/delivery/delivery_site.hpp"
#include "headrace/dispatch/dispatcher.hpp"

namespace headrace {

DeliveryAgent::DeliveryAgent(Worker& worker, const DeliveryDefaults& defaults)
    : worker_(worker),
      time_(worker.dispatcher().options().time),
      on_breaker_(defaults.on_breaker),
      random_(defaults.seed != 0 ? defaults.seed + worker.index() : std::random_device()()),
      timers_({defaults.timers_max, defaults.tick}, time_.now_ns()) {}

void DeliveryAgent::enlist(DeliverySite& site) {
  sites_.push_back(&site);
  kept_alive_.push_back(site.subscription().shared_from_this());
}

void DeliveryAgent::report_breaker(const SubscriptionState& subscription, CircuitBreaker::State state) const {
  if (on_breaker_) on_breaker_(subscription.name, state);
}

std::uint64_t DeliveryAgent::turn() {
  std::uint64_t settled = release_all();
  if (!sites_.empty()) settled += forget_ended();
  std::uint64_t ran = 0;
  if (timers_.size() > 0) {
    // What fires may schedule anew, and release keys; nothing of it is run inside advance().
    due_.clear();
    timers_.advance(
        now_ns(), [this](Timer&& timer) { due_.push_back(std::move(timer)); }, kFiresMax);
    for (Timer& timer : due_) {
      settled += fire(std::move(timer));
      ++ran;
    }
    settled += release_all();
  }
  return settled + ran;
}

std::uint64_t DeliveryAgent::credit() const noexcept {
  std::uint64_t least = ~std::uint64_t{0};
  for (const DeliverySite* site : sites_) least = std::min(least, site->room());
  // Each delivery of an event may need a timer.
  const std::uint64_t timers = timers_.capacity() - timers_.size();
  return std::min(least, sites_.empty() ? timers : timers / sites_.size());
}

void DeliveryAgent::schedule(std::uint64_t due_ns, PendingEventPtr event) {
  Timer timer{event->site, std::move(event), due_ns};
  const auto token = timers_.schedule(due_ns, std::move(timer));
  HEADRACE_CHECK("delivery.timers", token.has_value(), "credit() keeps a timer for each event that is taken");
}

void DeliveryAgent::wake_line_at(std::uint64_t due_ns, DeliverySite& site) {
  static_cast<void>(timers_.schedule(due_ns, Timer{&site, nullptr, due_ns}));
}

std::uint64_t DeliveryAgent::run(PendingEventPtr event) {
  DeliverySite& site = *event->site;
  running_ = std::move(event);
  const Tally tally =
      worker_.run_again(site.subscription(), *running_->entry, running_->event.data(), running_->attempts + 1);
  running_.reset();
  return tally.kept == 0 ? 1 : 0;
}

std::uint64_t DeliveryAgent::fire(Timer timer) {
  if (timer.event == nullptr) {
    released_.push_back({timer.site, DeliverySite::kLine});
    return 0;
  }
  if (timer.event->next == PendingEvent::Next::run) return run(std::move(timer.event));
  Tally tally;
  timer.site->send_letter(std::move(timer.event), tally);
  worker_.settle_kept(timer.site->subscription(), tally);
  return tally.kept == 0 ? 1 : 0;
}

std::uint64_t DeliveryAgent::release_all() {
  std::uint64_t settled = 0;
  // Handlers that run here release further keys.
  while (!released_.empty()) {
    const Released next = released_.back();
    released_.pop_back();
    settled += next.site->release(next.key, [this](PendingEventPtr&& event) { return run(std::move(event)); });
  }
  return settled;
}

/// What an ended subscription still waits for is given up, so that the bus does not wait for it.
std::uint64_t DeliveryAgent::forget_ended() {
  std::uint64_t settled = 0;
  for (std::size_t i = 0; i < sites_.size();) {
    DeliverySite& site = *sites_[i];
    if (!site.subscription().cancelled.load(std::memory_order_relaxed)) {  // no partner: seen in a later turn
      ++i;
      continue;
    }
    std::vector<Timer> others;
    const auto drop = [&](PendingEventPtr event) {
      Tally tally;
      tally.dropped = 1;
      event.reset();
      worker_.settle_kept(site.subscription(), tally);
      ++settled;
    };
    timers_.drain([&](Timer&& timer) {
      if (timer.site != &site) {
        others.push_back(std::move(timer));
      } else if (timer.event != nullptr) {
        drop(std::move(timer.event));
      }
    });
    for (Timer& timer : others) {
      const auto token = timers_.schedule(timer.due_ns, std::move(timer));
      HEADRACE_CHECK("delivery.timers", token.has_value(), "there were more of them before");
    }
    site.drain(drop);
    std::erase_if(released_, [&](const Released& released) { return released.site == &site; });
    sites_.erase(sites_.begin() + static_cast<std::ptrdiff_t>(i));
    kept_alive_.erase(kept_alive_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return settled;
}

std::uint64_t DeliveryAgent::abandon() {
  std::uint64_t lost = 0;
  const auto give_up = [&](PendingEventPtr event) {
    DeliverySite& site = *event->site;
    Tally tally;
    if (site.abandon(std::move(event))) {
      tally.dead_lettered = 1;
    } else {
      tally.dropped = 1;
      ++lost;
    }
    worker_.settle_kept(site.subscription(), tally);
  };
  std::vector<PendingEventPtr> waiting;
  timers_.drain([&](Timer&& timer) {
    if (timer.event != nullptr) waiting.push_back(std::move(timer.event));
  });
  for (PendingEventPtr& event : waiting) give_up(std::move(event));
  for (DeliverySite* site : sites_) site->drain(give_up);
  return lost;
}

}  // namespace headrace
