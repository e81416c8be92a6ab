#include "headrace/delivery/delivery_site.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "headrace/delivery/redrive.hpp"
#include "headrace/dispatch/dispatcher.hpp"
#include "headrace/dispatch/shared_event.hpp"
#include "headrace/event/time_after.hpp"
#include "site_delays.hpp"

namespace headrace {
namespace {

// What keeps an event that lies in a shared box: another reference to the box.
HeldEvent hold_box(SharedEvent& box) {
  box.share();
  return HeldEvent::adopt({box.data(), [&box](const void*) { box.release(); }}, box.ops());
}

bool says_when(const Outcome& outcome) noexcept {
  return outcome.kind() == Outcome::Kind::retry_after || outcome.kind() == Outcome::Kind::retry_at;
}

}  // namespace

DeliverySite::DeliverySite(const DeliveryOptions& options, SubscriptionState& subscription, DeliveryAgent& agent)
    : options_(options), subscription_(subscription), agent_(agent), pending_events_(agent.pending_events()) {
  if (options.breaker) breaker_.emplace(*options.breaker);
  if (options.retry_budget) budget_.emplace(*options.retry_budget, agent.now_ns());
  find_parked_keys();
  refresh();
}

void DeliverySite::refresh() noexcept {
  const bool refunds = options_.retry_budget && options_.retry_budget->success_refunds != 0;
  watches_ = refunds || breaker_ || options_.deduplicated || (waiting_ && waiting_->keys() > 0) ||
             !parked_.empty() || !parked_before_.empty();
}

std::uint64_t DeliverySite::room() const noexcept {
  const std::uint64_t most = options_.waiting.events_max;
  const auto left = [most](std::uint64_t used) { return most - std::min(most, used); };
  std::uint64_t room = left(unsent_.size());
  if (options_.waiting.when_full == WhenRoomFull::block && waiting_) {
    room = std::min(room, left(waiting_->events()));
  }
  if (options_.waiting.when_full == WhenRoomFull::block) room = std::min(room, left(behind_calls_));
  return room;
}

std::uint64_t DeliverySite::key_of(const Context& context) noexcept {
  const DispatchEntry& entry = context.entry();
  return entry.ops->has_key ? context.key() : entry.topic->key_hash;
}

void DeliverySite::HandlerCall::watch(DeliverySite& site, const Context& context) noexcept {
  slot_ = &site.agent_.watch_slot();
  slot_->begin(site.subscription_, context, site.agent_.now_ns(), site.options_.handler_limit);
}

// --- Before the handler --------------------------------------------------------------------------------------

bool DeliverySite::admit(Context& context, Claim claim, Tally& tally) {
  const PendingEvent* again = agent_.running();
  const EventMeta* meta = context.meta();
  const bool is_redriven = again != nullptr && again->redriven != nullptr;
  if (!is_redriven && meta != nullptr && meta->expires_ns != 0 && agent_.now_ns() >= meta->expires_ns) {
    expire(context, tally);
    return false;
  }
  const std::uint64_t key = key_of(context);
  const bool its_turn = again != nullptr && again->holds_key;
  // Before what is said of its key: earlier events of the key may stand in the line.
  if (breaker_ && !its_turn && releasing_ != kLine && is_held(kLine)) {
    return wait_behind(kLine, keep(context, claim), tally);
  }
  // Only one event holds a key: a dead letter that comes back to a held one waits as well.
  if (!its_turn && is_held(key)) return wait_behind(key, keep(context, claim), tally);
  if (!is_redriven && is_parked(key, context)) {
    give_up(keep(context, claim), FailureClass::behind, "an earlier event of its key was given up", true, tally);
    return false;
  }
  if (breaker_) {
    const auto before = breaker_->state();
    const CircuitBreaker::Permit asked = breaker_->ask(agent_.now_ns());
    note_breaker(before);
    if (asked.may_run) {
      permit_ = asked;  // one that may not run leaves the probe's own
    } else {
      if (its_turn) {
        try_later(keep(context, claim), breaker_->asks_again_ns(), tally);
        return false;
      }
      if (!is_held(kLine)) open_line();
      return wait_behind(kLine, keep(context, claim), tally);
    }
  }
  const bool has_claim = claim == Claim::has || (again != nullptr && again->claimed);
  return has_claim || !options_.deduplicated || is_first_copy(context, tally);
}

bool DeliverySite::joins(Context& context, Claim claim) {
  const EventMeta* meta = context.meta();
  if (meta != nullptr && meta->expires_ns != 0 && agent_.now_ns() >= meta->expires_ns) return false;
  const std::uint64_t key = key_of(context);
  if (is_held(key) || is_parked(key, context)) return false;
  if (breaker_ && (breaker_->state() != CircuitBreaker::State::closed || is_held(kLine))) return false;
  if (claim == Claim::has || !options_.deduplicated) return true;
  return is_first_copy_of_run(context);
}

bool DeliverySite::hold(std::uint64_t key) {
  if (!waiting_) {
    KeyOrderOptions room = options_.waiting;
    if (room.when_full == WhenRoomFull::block) room.events_max += kSlackEvents;
    if (breaker_) ++room.keys_max;  // the line's
    waiting_.emplace(room);
  }
  if (key != kLine && !waiting_->is_held(key)) {
    const std::uint32_t keys = waiting_->keys() - (waiting_->is_held(kLine) ? 1 : 0);
    if (keys >= options_.waiting.keys_max) return false;
  }
  return waiting_->hold(key);
}

bool DeliverySite::line_may_move() const {
  return breaker_->state() == CircuitBreaker::State::closed || agent_.now_ns() >= breaker_->asks_again_ns();
}

void DeliverySite::open_line() {
  static_cast<void>(hold(kLine));
  enlist();
  refresh();
  wake_line();
}

/// Also when the probe came to no answer: a copy, or a store of done events that is down.
void DeliverySite::wake_line() {
  if (!is_held(kLine) || breaker_->state() == CircuitBreaker::State::closed) return;
  const std::uint64_t due_ns = breaker_->asks_again_ns();
  if (due_ns <= line_wakes_ns_ && line_wakes_ns_ > agent_.now_ns()) return;
  line_wakes_ns_ = due_ns;
  agent_.wake_line_at(due_ns, *this);
}

bool DeliverySite::wait_behind(std::uint64_t key, PendingEventPtr event, Tally& tally) {
  switch (waiting_->wait(key, event)) {
    case WaitAnswer::queued:
      ++tally.kept;
      return false;
    case WaitAnswer::not_held:
    case WaitAnswer::block:  // more than credit() and the slack allow: it asks again
      agent_.schedule(later(agent_.now_ns(), kRoomWaits), std::move(event));
      ++tally.kept;
      return false;
    case WaitAnswer::dead_letter:
      give_up(std::move(event), FailureClass::no_room, "too many events wait behind their keys", false, tally);
      return false;
    case WaitAnswer::drop:
      give_claim_back(*event);
      ++tally.dropped;
      return false;
  }
  return false;
}

// --- After the handler ---------------------------------------------------------------------------------------

void DeliverySite::done(Context& context, Tally& tally) {
  ++tally.handled;
  if (breaker_) {
    const auto before = breaker_->state();
    breaker_->succeeded(permit_, agent_.now_ns());
    note_breaker(before);
  }
  if (budget_) budget_->succeeded();
  end_claim(context, DedupEnd::done);
  if (const PendingEvent* again = agent_.running()) {
    free_key(*again);
    if (again->redriven != nullptr) {
      again->redriven->settle();
      free_if_gone(again->key);
    }
  }
}

Outcome DeliverySite::judge(const std::exception_ptr& thrown) const {
  const ExceptionPolicy::Verdict verdict = options_.exceptions.judge(thrown);
  switch (verdict.action) {
    case OnException::ignore:
      return Outcome::done();
    case OnException::dead_letter:
      return Outcome::dead_letter(verdict.what, FailureClass::threw);
    case OnException::retry:
      break;
  }
  return Outcome::retry(verdict.what, FailureClass::threw);
}

void DeliverySite::settle(Context& context, const Outcome& outcome, Tally& tally, Claim claim) {
  const std::uint64_t now_ns = agent_.now_ns();
  if (breaker_) tell_breaker(outcome, now_ns);
  const RetryPolicy& policy = options_.retry;
  const std::uint32_t tries_max = says_when(outcome) ? policy.asked_attempts_max() : policy.attempts_max();
  if (dead_letters() == nullptr && tries_max == 1) {  // nobody wants to know more
    if (claim == Claim::has) end_claim(context, DedupEnd::failed);
    if (const PendingEvent* again = agent_.running()) free_key(*again);
    return fail(context.entry(), outcome.reason(), tally);
  }
  PendingEventPtr event = keep(context);
  event->claimed = claim == Claim::has && options_.deduplicated;
  ++event->attempts;
  if (event->attempts == 1) event->first_failure_ns = now_ns;
  Attempt attempt{event->attempts, agent_.wall_time(), outcome.failure(), std::string(outcome.reason())};
  if (event->attempts == 1) {
    event->first_attempt = std::move(attempt);
  } else {
    auto& later_ones = event->later_attempts;
    if (later_ones.size() == kAttemptsKept - 1) later_ones.erase(later_ones.begin());
    later_ones.push_back(std::move(attempt));
  }

  if (outcome.wants_another_try()) {
    if (const auto due_ns = next_try(*event, outcome, now_ns)) return try_later(std::move(event), *due_ns, tally);
  }
  give_up(std::move(event), outcome.failure(), outcome.reason(), outcome.kind() == Outcome::Kind::park, tally);
}

std::optional<std::uint64_t> DeliverySite::next_try(const PendingEvent& event, const Outcome& outcome,
                                                    std::uint64_t now_ns) {
  const RetryPolicy& policy = options_.retry;
  const std::chrono::nanoseconds since(now_ns - event.first_failure_ns);
  const auto due_after = [&](std::chrono::nanoseconds delay) -> std::optional<std::uint64_t> {
    if (budget_ && !budget_->try_retry(now_ns)) return std::nullopt;
    return later(now_ns, delay);
  };
  if (!says_when(outcome)) {
    const auto delay = policy.next(event.attempts, since, agent_.random());
    return delay ? due_after(*delay) : std::nullopt;
  }
  const bool is_delay = outcome.kind() == Outcome::Kind::retry_after;
  const auto delay = is_delay ? outcome.delay() : time_between(agent_.wall_time(), outcome.time());
  return policy.may_retry_after(delay, event.attempts, since) ? due_after(delay) : std::nullopt;
}

void DeliverySite::try_later(PendingEventPtr event, std::uint64_t due_ns, Tally& tally) {
  if (options_.ordered && !event->holds_key) {
    if (!hold(event->key)) {
      give_up(std::move(event), FailureClass::no_room, "too many keys are held", false, tally);
      return;
    }
    event->holds_key = true;
  }
  enlist();
  refresh();
  if (event->holds_key) blocked_ = true;
  // The next try may come later than its claim and its letter's lease last.
  const std::uint64_t now_ns = agent_.now_ns();
  constexpr std::uint64_t kLongest = std::numeric_limits<std::int64_t>::max();
  const std::chrono::nanoseconds wait(due_ns > now_ns ? std::min(due_ns - now_ns, kLongest) : 0);
  if (event->claimed) renew_claim(*event, wait);
  if (event->redriven != nullptr) event->redriven->keep(agent_.wall_time(), wait);
  agent_.schedule(due_ns, std::move(event));
  ++tally.kept;
}

// --- Small parts ---------------------------------------------------------------------------------------------

PendingEventPtr DeliverySite::keep(Context& context, Claim claim) {
  if (agent_.running() != nullptr) return agent_.take_running();
  PendingEventPtr event = pending_events_->make();
  event->site = this;
  event->claimed = claim == Claim::has && options_.deduplicated;
  event->entry = &context.entry();
  event->key = key_of(context);
  const EventOps& ops = *context.entry().ops;
  if (SharedEvent* box = context.box()) {
    event->event.share(hold_box(*box));
  } else {
    HEADRACE_CHECK("delivery.keep", ops.trivially_copyable, "the router boxes what cannot be copied");
    event->event.take(ops, const_cast<void*>(context.whole()));
  }
  return event;
}

void DeliverySite::free_key(const PendingEvent& event) {
  if (event.holds_key && event.key != releasing_) agent_.release_later(*this, event.key);
}

void DeliverySite::enlist() {
  if (std::exchange(enlisted_, true)) return;
  agent_.enlist(*this);
}

}  // namespace headrace
