#include "headrace/delivery/delivery_agent.hpp"

#include <algorithm>
#include <cstddef>
#include <random>
#include <utility>

#include "headrace/base/cache_line.hpp"
#include "headrace/base/hints.hpp"
#include "headrace/delivery/delivery_site.hpp"
#include "headrace/dispatch/dispatcher.hpp"

namespace headrace {
namespace {
constexpr std::size_t kAhead = 4;

/// The event, if there is one, will run soon. Of many pending ones none is in the cache.
void ask_for(const PendingEvent* event) noexcept {
  if (event == nullptr) return;
  const auto* const bytes = reinterpret_cast<const std::byte*>(event);
  for (std::size_t at = 0; at < sizeof *event; at += kCacheLineBytes) prefetch_for_write(bytes + at);
}
}  // namespace

DeliveryAgent::DeliveryAgent(Worker& worker, const DeliveryDefaults& defaults)
    : worker_(worker),
      time_(worker.dispatcher().options().time),
      on_breaker_(defaults.on_breaker),
      event_types_(defaults.event_types),
      random_(defaults.seed != 0 ? defaults.seed + worker.index() : std::random_device()()),
      pending_events_(std::make_shared<PendingEventPool>(defaults.timers_max)),
      timers_({defaults.timers_max, defaults.tick}, time_.now_ns()),
      works_options_{defaults.scheduled_max + kRedrivesMax, defaults.tick},
      watch_slot_([this](std::uint64_t call) {
        return worker_.ask_for_stand_in([this, call] { return apart_.take_over(call); });
      }),
      apart_(*this, watch_slot_) {}

DeliveryAgent& DeliveryAgent::of(Dispatcher& dispatcher, unsigned worker, const DeliveryDefaults& defaults) {
  return static_cast<DeliveryAgent&>(dispatcher.agent_of(
      worker, [&](Worker& made_for) { return std::make_unique<DeliveryAgent>(made_for, defaults); }));
}

bool DeliveryAgent::post(std::function<void(Posted)> work) {
  {
    const std::lock_guard lock(posted_mutex_);
    if (bus_stopped_) return false;
    posted_.push_back(std::move(work));
    has_posted_.store(true, std::memory_order_release);  // J1 -> J2
  }
  worker_.doorbell().wake();
  return true;
}

std::uint64_t DeliveryAgent::run_posted(Posted posted) {
  std::vector<std::function<void(Posted)>> all;
  {
    const std::lock_guard lock(posted_mutex_);
    all.swap(posted_);
    has_posted_.store(false, std::memory_order_relaxed);  // no partner: under the mutex
    if (posted == Posted::bus_stopped) bus_stopped_ = true;
  }
  for (auto& work : all) {
    work(posted);
    work = nullptr;  // a letter's turn that it held ends before the next one's begins
  }
  return all.size();
}

void DeliveryAgent::enlist(DeliverySite& site) {
  sites_.push_back(&site);
  kept_alive_.push_back(site.subscription().shared_from_this());
}

void DeliveryAgent::report_breaker(const SubscriptionState& subscription, CircuitBreaker::State state,
                                   bool may_probe) const {
  if (on_breaker_) on_breaker_({subscription.name, worker_.index(), state, may_probe, subscription});
}

std::uint64_t DeliveryAgent::turn() {
  std::uint64_t settled = apart_.settle_posted() + release_all();
  if (has_posted_.load(std::memory_order_acquire)) [[unlikely]] {  // J2 <- J1
    settled += run_posted(Posted::runs);
    settled += release_all();
  }
  if (!sites_.empty()) settled += forget_ended();
  std::uint64_t ran = 0;
  while (!late_.empty() && timers_.size() < timers_.capacity()) {
    Timer timer = std::move(late_.front());
    late_.pop_front();
    start(std::move(timer));
  }
  if (timers_.size() > 0) {
    // What fires may schedule anew, and release keys; nothing of it is run inside advance().
    due_.clear();
    timers_.advance(
        now_ns(), [this](Timer&& timer) { due_.push_back(std::move(timer)); }, kFiresMax);
    for (std::size_t i = 0; i < due_.size(); ++i) {
      if (i + kAhead < due_.size()) ask_for(due_[i + kAhead].event.get());
      settled += fire(std::move(due_[i]));
    }
    ran += due_.size();
    settled += release_all();
  }
  if (works_ && works_->size() > 0) {
    works_due_.clear();
    works_->advance(
        now_ns(), [this](std::shared_ptr<TimedWork>&& work) { works_due_.push_back(std::move(work)); }, kFiresMax);
    for (const auto& work : works_due_) work->due(*this);
    ran += works_due_.size();
    works_due_.clear();
  }
  return settled + ran;
}

std::uint64_t DeliveryAgent::credit() const noexcept {
  if (!late_.empty() || apart_.is_full()) return 0;
  std::uint64_t least = DeliverySite::kSlackEvents;
  for (const DeliverySite* site : sites_) least = std::min(least, site->room());
  // Each delivery of an event may need a timer.
  const std::uint64_t timers = timers_.capacity() - timers_.size();
  return std::min(least, sites_.empty() ? timers : timers / sites_.size());
}

std::uint64_t DeliveryAgent::next_due_ns() const noexcept {
  if (has_posted_.load(std::memory_order_acquire) || !apart_.is_idle()) return 0;  // J2 <- J1
  if (!late_.empty() && timers_.size() < timers_.capacity()) return 0;
  return works_ ? std::min(timers_.next_due_ns(), works_->next_due_ns()) : timers_.next_due_ns();
}

void DeliveryAgent::schedule(std::uint64_t due_ns, PendingEventPtr event) {
  DeliverySite* const site = event->site;
  start({site, std::move(event), due_ns, Wakes::event});
}

void DeliveryAgent::work_at(std::uint64_t due_ns, std::shared_ptr<TimedWork> work) {
  if (!works_) works_.emplace(works_options_, now_ns());
  TimedWork& of = *work;
  if (const auto timer = works_->schedule(due_ns, std::move(work))) {
    of.timer = *timer;
  } else {
    of.bus_stopped();  // more redrives than kRedrivesMax wait for their next letter
  }
}

/// Sites that never held anything are not known to credit(), so that their first failures, all in one turn, may be
/// more than the wheel takes.
void DeliveryAgent::start(Timer timer) {
  const std::uint64_t due_ns = timer.due_ns;
  if (!timers_.schedule(due_ns, std::move(timer))) late_.push_back(std::move(timer));
}

std::uint64_t DeliveryAgent::run(PendingEventPtr event) {
  DeliverySite& site = *event->site;
  if (site.calls_apart()) {
    site.call_apart(std::move(event));
    return 0;
  }
  running_ = std::move(event);
  const Tally tally =
      worker_.run_again(site.subscription(), *running_->entry, running_->event.data(), running_->attempts + 1);
  if (running_ != nullptr && tally.dropped != 0) site.give_claim_back(*running_);
  running_.reset();
  return tally.kept == 0 ? 1 : 0;
}

std::uint64_t DeliveryAgent::fire(Timer timer) {
  switch (timer.wakes) {
    case Wakes::event:
      return run(std::move(timer.event));
    case Wakes::line:
      released_.push_back({timer.site, DeliverySite::kLine});
      return 0;
    case Wakes::letters:
      return timer.site->send_letters();
  }
  return 0;
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
      site.give_claim_back(*event);  // before its sender hears: it may bring the event again at once
      event->entry->tell_unhandled(event->event.data(), 1);
      event.reset();
      worker_.settle_kept(site.subscription(), tally);
      ++settled;
    };
    const auto sort_out = [&](Timer&& timer) {
      if (timer.site != &site) {
        others.push_back(std::move(timer));
      } else if (timer.event != nullptr) {
        drop(std::move(timer.event));
      }
    };
    timers_.drain(sort_out);
    for (Timer& timer : std::exchange(late_, {})) sort_out(std::move(timer));
    for (Timer& timer : others) start(std::move(timer));
    for (PendingEventPtr& event : apart_.take_out(&site)) drop(std::move(event));
    site.drain(drop);
    site.end_breaker();
    std::erase_if(released_, [&](const Released& released) { return released.site == &site; });
    sites_.erase(sites_.begin() + static_cast<std::ptrdiff_t>(i));
    kept_alive_.erase(kept_alive_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return settled;
}

std::uint64_t DeliveryAgent::abandon() {
  std::uint64_t lost = 0;
  static_cast<void>(apart_.settle_posted());
  static_cast<void>(run_posted(Posted::bus_stopped));
  if (works_) works_->drain([](std::shared_ptr<TimedWork>&& work) { work->bus_stopped(); });
  const auto give_up = [&](PendingEventPtr event) {
    DeliverySite& site = *event->site;
    Tally tally;
    if (site.abandon(std::move(event), tally)) {
      tally.dead_lettered = 1;
    } else {
      tally.dropped = 1;
      ++lost;
    }
    worker_.settle_kept(site.subscription(), tally);
  };
  // The letters of one key go in the order in which its events would have come: those that wait for the store, the
  // one that holds the key, what waits behind it and then in a line. What holds nothing found no room there,
  // or has not been looked at yet.
  std::vector<Timer> events;
  const auto take = [&](Timer&& timer) {
    if (timer.event != nullptr) events.push_back(std::move(timer));
  };
  timers_.drain(take);
  for (Timer& timer : std::exchange(late_, {})) take(std::move(timer));
  for (PendingEventPtr& event : apart_.take_out(nullptr)) {
    DeliverySite* const site = event->site;
    take({site, std::move(event), ~std::uint64_t{0}, Wakes::event});
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const Timer& a, const Timer& b) { return a.due_ns < b.due_ns; });
  for (DeliverySite* site : sites_) site->drain_unsent(give_up);
  for (Timer& timer : events) {
    if (timer.event->holds_key) give_up(std::move(timer.event));
  }
  for (DeliverySite* site : sites_) site->drain(give_up);
  for (Timer& timer : events) {
    if (timer.event != nullptr) give_up(std::move(timer.event));
  }
  return lost;
}

}  // namespace headrace
