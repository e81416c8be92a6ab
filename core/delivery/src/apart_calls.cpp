#include "headrace/delivery/apart_calls.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "headrace/delivery/delivery_agent.hpp"
#include "headrace/delivery/delivery_site.hpp"

namespace headrace {

WorkerAgent::Thread ApartCalls::run(std::uint64_t& ran) {
  while (!queue_.empty()) {
    PendingEventPtr event = std::move(queue_.front());
    queue_.pop_front();
    ++ran;
    if (waits(*event)) [[unlikely]] {
      wait(std::move(event));
    } else if (call(std::move(event)) == WorkerAgent::Thread::was_left_behind) [[unlikely]] {
      return WorkerAgent::Thread::was_left_behind;
    }
  }
  carried_ = 0;
  return WorkerAgent::Thread::is_worker;
}

WorkerAgent::Thread ApartCalls::call(PendingEventPtr kept) {
  DeliverySite& site = *kept->site;
  SubscriptionState& subscription = site.subscription();
  Worker& worker = agent_.worker();
  PendingEvent& event = agent_.set_running(std::move(kept));
  if (!worker.begin_again(subscription, *event.entry, event.event.data(), event.attempts + 1)) {
    site.give_claim_back(event);
    agent_.forget_running();
    return WorkerAgent::Thread::is_worker;
  }
  Context& context = worker.context();
  Tally tally;
  if (site.admit(context, DeliverySite::Claim::ask, tally)) {
    if (seat_ == nullptr) take_seat();
    HandlerSeat& seat = *seat_;
    seat.context().look_at_same(context);
    // Read while the worker is here: the call may outlive that.
    void* const handler = subscription.handler.get();
    WatchSlot& slot = slot_;
    slot.begin(subscription, seat.context(), agent_.now_ns(), site.handler_limit(),
               WatchSlot::Call::may_be_left_behind);
    Outcome outcome;
    {
      const HandlerSeat::Scope scope(seat);
      outcome = site.call_in_seat(handler, seat.context());
      seat.destroy_ended();
    }
    if (slot.end(seat.context()) == WatchSlot::Ended::left_behind) [[unlikely]] {
      post(seat, std::move(outcome));
      return WorkerAgent::Thread::was_left_behind;
    }
    if (outcome.is_done()) {
      site.done(context, tally);
    } else {
      site.settle(context, outcome, tally);
    }
  }
  if (PendingEvent* const running = agent_.running(); running != nullptr && tally.dropped != 0) {
    site.give_claim_back(*running);
  }
  worker.end_again(subscription, tally);
  worker.leave_handler();
  agent_.forget_running();
  return WorkerAgent::Thread::is_worker;
}

void ApartCalls::take_seat() {
  if (free_seats_.empty()) {
    seat_ = agent_.worker().new_seat();
  } else {
    seat_ = std::move(free_seats_.back());
    free_seats_.pop_back();
  }
}

bool ApartCalls::take_over(std::uint64_t call) {
  if (!slot_.take(call)) return false;
  const Worker::Scope scope(agent_.worker());
  PendingEventPtr event = agent_.take_running();
  auto subscription = event->site->subscription().shared_from_this();
  left_.push_back({std::move(event), std::move(seat_), std::move(subscription)});
  agent_.worker().leave_call_behind();
  // Before the next call needs a seat: there are no more than threads that may be left behind, and one.
  static_cast<void>(settle_posted());
  carried_ = queue_.size();
  return true;
}

/// The last thing that the thread of such a call does with the worker: the seat may be another call's at once.
void ApartCalls::post(const HandlerSeat& seat, Outcome outcome) {
  Doorbell& doorbell = agent_.worker().doorbell();
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back({&seat, std::move(outcome)});
    has_posted_.store(true, std::memory_order_release);  // N1 -> N2
  }
  doorbell.wake();
}

std::uint64_t ApartCalls::settle_posted() {
  if (!has_posted()) [[likely]]
    return 0;
  std::vector<Posted> posted;
  {
    const std::lock_guard lock(posted_mutex_);
    posted.swap(posted_);
    has_posted_.store(false, std::memory_order_relaxed);  // no partner: under the mutex
  }
  for (const Posted& one : posted) {
    const auto left =
        std::find_if(left_.begin(), left_.end(), [&](const Left& known) { return known.seat.get() == one.seat; });
    Left settled = std::move(*left);
    left_.erase(left);
    settle(std::move(settled), one.outcome);
  }
  requeue_behind();
  return posted.size();
}

void ApartCalls::settle(Left left, const Outcome& outcome) {
  SubscriptionState& subscription = *left.subscription;
  DeliverySite& site = *left.event->site;
  Worker& worker = agent_.worker();
  Tally tally;
  PendingEvent& event = agent_.set_running(std::move(left.event));
  worker.look_at(subscription, *event.entry, event.event.data(), event.attempts + 1);
  if (subscription.cancelled.load(std::memory_order_relaxed)) {  // no partner: whoever asks later asks again
    site.settle_ended(worker.context(), outcome, tally);
  } else if (outcome.is_done()) {
    site.done(worker.context(), tally);
  } else {
    site.settle(worker.context(), outcome, tally);
  }
  worker.end_again(subscription, tally);
  agent_.forget_running();
  free_seats_.push_back(std::move(left.seat));
}

bool ApartCalls::waits(const PendingEvent& event) const noexcept {
  return std::any_of(left_.begin(), left_.end(), [&](const Left& left) {
    if (left.event->site != event.site) return false;
    const Placement placement = left.subscription->placement;
    return placement == Placement::pinned || (placement == Placement::sharded && left.event->key == event.key);
  });
}

void ApartCalls::wait(PendingEventPtr event) {
  DeliverySite& site = *event->site;
  Tally tally;
  if (site.waits_behind_call(event, tally)) {
    behind_.push_back(std::move(event));
  } else {
    agent_.worker().settle_kept(site.subscription(), tally);
  }
}

/// What waited goes in front of what came later. It may have to wait for another one's call still.
void ApartCalls::requeue_behind() {
  for (const PendingEventPtr& event : behind_) event->site->waits_no_more();
  behind_.insert(behind_.end(), std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
  queue_ = std::exchange(behind_, {});
}

std::vector<PendingEventPtr> ApartCalls::take_out(const DeliverySite* site) {
  requeue_behind();
  std::vector<PendingEventPtr> taken;
  std::deque<PendingEventPtr> rest;
  for (PendingEventPtr& event : queue_) {
    const bool takes = site == nullptr || event->site == site;
    if (takes) {
      taken.push_back(std::move(event));
    } else {
      rest.push_back(std::move(event));
    }
  }
  queue_ = std::move(rest);
  return taken;
}

}  // namespace headrace
