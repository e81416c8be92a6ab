#include "headrace/dispatch/dispatcher.hpp"

namespace headrace {

Ledger Dispatcher::ledger_of(const SubscriptionState& state) const {
  Ledger sum;
  for (const auto& stats : state.stats) {
    if (stats == nullptr) continue;
    sum.handled += stats->handled.value();
    sum.failed += stats->failed.value();
    sum.unrouted += stats->refused.value();
    sum.dropped += stats->unsubscribed.value() + stats->dropped.value();
    sum.expired += stats->expired.value();
    sum.dead_lettered += stats->dead_lettered.value();
    sum.letters_dropped += stats->letters_dropped.value();
  }
  return sum;
}

Ledger Dispatcher::counted_locked() {
  // What workers settled is counted by frames and handlers there; what became of it, by each subscription.
  Ledger sum = ended_subscriptions_;
  for (const auto& state : routes_.all()) sum += ledger_of(*state);
  for (const auto& worker : workers_) {
    sum.dropped += worker->abandoned().value() + worker->unsubscribed().value();
    sum.published += worker->abandoned().value() + worker->settled().value();
  }
  each_publisher([&](PublisherState& publisher) {
    // Read once: a publisher may be counting.
    const std::uint64_t unrouted = publisher.unrouted.value();
    const std::uint64_t dropped = publisher.dropped.value();
    sum.unrouted += unrouted;
    sum.dropped += dropped;
    sum.published += unrouted + dropped;
  });
  return sum;
}

Ledger Dispatcher::ledger_locked() {
  // An event is counted before it leaves, so counters read behind a moment when nothing was in flight hold all that
  // had been published; those read before it may lack what settled in between.
  for (bool complete = in_flight() == 0;; complete = true) {
    Ledger sum = counted_locked();
    sum.in_flight = in_flight();
    sum.published += sum.in_flight;
    if (complete || sum.in_flight != 0) return sum;
  }
}

Ledger Dispatcher::ledger() {
  const std::lock_guard lock(mutex_);
  return ledger_locked();
}

Snapshot Dispatcher::snapshot() {
  const std::lock_guard lock(mutex_);
  Snapshot taken;
  taken.ledger = ledger_locked();
  for (const auto& state : routes_.all()) {
    SubscriptionReport& report = taken.subscriptions.emplace_back();
    report.name = state->name;
    report.group = state->group;
    report.filter = state->filter->text();
    for (const auto& stats : state->stats) {
      if (stats == nullptr) continue;
      report.handled += stats->handled.value();
      report.failed += stats->failed.value();
      report.refused += stats->refused.value();
      report.unsubscribed += stats->unsubscribed.value();
      report.dead_lettered += stats->dead_lettered.value();
      report.dropped += stats->dropped.value();
      report.expired += stats->expired.value();
      report.letters_dropped += stats->letters_dropped.value();
      report.copies += stats->copies.value();
      report.unchecked += stats->unchecked.value();
      report.runs += stats->runs.value();
#if HEADRACE_TELEMETRY
      report.queue_wait_ns.merge(stats->queue_wait_ns.snapshot());
      report.handling_ns.merge(stats->handling_ns.snapshot());
#endif
    }
  }
  return taken;
}

}  // namespace headrace
