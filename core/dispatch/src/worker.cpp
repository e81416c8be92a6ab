#include "headrace/dispatch/worker.hpp"

#include <algorithm>

#include "headrace/base/clock.hpp"
#include "headrace/dispatch/dispatcher.hpp"
#include "headrace/dispatch/idle.hpp"
#include "headrace/dispatch/overflow_queue.hpp"

namespace headrace {
namespace {

constexpr std::uint64_t kBudget = Linger::kFullLook;  // events of one lane before the next is looked at
constexpr std::uint32_t kTurnsBetweenDozes = 4096;    // how often idle lanes are looked for
constexpr std::uint32_t kEmptyPollsToDoze = 2048;
constexpr std::size_t kLanesWorthDozing = 8;  // polling a few idle lanes costs less than ringing for them

thread_local Worker* t_worker = nullptr;
thread_local const Worker::Scope* t_scope = nullptr;

}  // namespace

Worker::Worker(Dispatcher& dispatcher, unsigned index, PublisherState& publisher)
    : dispatcher_(dispatcher),
      index_(index),
      publisher_(publisher),
      short_way_(dispatcher.options().flow == Flow::counted ? kNoShortWay : static_cast<int>(index)),
      doorbell_(dispatcher.publisher_slots()),
      context_(index, publisher, dispatcher) {
  hot_.reserve(dispatcher.publisher_slots());
}

Worker* Worker::current() noexcept { return t_worker; }
bool Worker::runs_here(const Dispatcher& bus) noexcept {
  for (const Scope* scope = t_scope; scope != nullptr; scope = scope->enclosing_) {
    if (&scope->worker_.dispatcher() == &bus) return true;
  }
  return false;
}
Worker::Scope::Scope(Worker& worker) noexcept
    : worker_(worker), outer_(std::exchange(t_worker, &worker)), enclosing_(std::exchange(t_scope, this)) {}
Worker::Scope::~Scope() {
  t_worker = outer_;
  t_scope = enclosing_;
}
Worker::NoneScope::NoneScope() noexcept : outer_(std::exchange(t_worker, nullptr)) {}
Worker::NoneScope::~NoneScope() { t_worker = outer_; }

void Worker::halt() noexcept {
  halted_.store(true, std::memory_order_release);  // E1 -> E2
  doorbell_.wake();
}

void Worker::run() {
  const Scope scope(*this);
  Idle idle(dispatcher_.options().wait);
  while (!halted_.load(std::memory_order_acquire)) {  // E2 <- E1
    std::uint64_t settled = turn(kBudget);
    if (WorkerAgent* const agent = this->agent(); agent != nullptr) {
      if (agent->run_apart(settled) == WorkerAgent::Thread::was_left_behind) return;
    }
    if (settled > 0) {
      idle.found(settled);
    } else if (idle.found_nothing() == Idle::Next::park) {
      park();
    }
  }
}

std::uint64_t Worker::poll(std::uint64_t budget) {
  const std::uint64_t settled = turn(budget);
  WorkerAgent* const agent = this->agent();
  if (agent == nullptr) return settled;
  // What was kept for them has been counted where it came from.
  std::uint64_t ran = 0;
  static_cast<void>(agent->run_apart(ran));
  return std::max(settled, ran);
}

std::uint64_t Worker::turn(std::uint64_t budget) {
  if (doorbell_.was_rung()) [[unlikely]] {
    doorbell_.answer([this](std::uint32_t publisher) { open(publisher); });
  }
  std::uint64_t settled = 0;
  reader_.enter();
  WorkerAgent* const agent = this->agent();
  if (agent != nullptr) settled += agent->turn();
  const auto allowed = [&] { return agent == nullptr ? budget : std::min(budget, agent->credit()); };
  for (PublisherLane* lane : hot_) settled += drain(*lane, allowed());
  if (dispatcher_.has_balanced()) settled += take_balanced(allowed());
  reader_.leave();
  if (++turns_until_doze_ >= kTurnsBetweenDozes) [[unlikely]] {
    turns_until_doze_ = 0;
    doze_idle_lanes();
  }
  return settled;
}

void Worker::open(std::uint32_t publisher) {
  PublisherLane& lane = *dispatcher_.publisher_at(publisher)->lanes()[index_];
  lane.empty_polls = 0;
  if (!lane.hot) {
    lane.hot = true;
    hot_.push_back(&lane);
  }
}

std::uint64_t Worker::drain(PublisherLane& from, std::uint64_t budget) {
  if (budget == 0) [[unlikely]]
    return 0;                                                         // held back: it has not been found empty
  OverflowQueue* queue = from.queue.load(std::memory_order_acquire);  // V2 <- V1
  // Asked before the lane is found empty: so many are older than what the publisher may put into the lane once
  // they are settled.
  const std::uint64_t queued = queue != nullptr ? queue->pending() : 0;

  auto& lane = from.lane.consumer();
  const auto run_one = [&](FrameKind kind, std::byte* event) {
    dispatch_one(dispatcher_.entry(kind.tag()), event);
    from.left.add(1);
  };
  Lane::Frame frame;
  std::uint64_t settled = 0;
  bool empty = false;
  while (settled < budget) {
    if (!lane.peek(frame)) {
      empty = true;
      break;
    }
    frame.count = static_cast<std::uint32_t>(std::min<std::uint64_t>(frame.count, budget - settled));
    dispatch(dispatcher_.entry(frame.kind.tag()), frame, lane.payload(frame));
    lane.consume(frame.count);
    from.left.add(frame.count);
    settled += frame.count;
    if (settled < budget) settled += lane.consume_alone(budget - settled, run_one);
    // Looking again at a frame that is still open takes its line away from the publisher that extends it.
    if (frame.is_open) break;
  }
  if (queued > 0 && empty) settled += drain_queue(from, *queue, std::min(budget - settled, queued));
  if (settled > 0) {
    from.empty_polls = 0;
    from.room.notify();
  } else {
    ++from.empty_polls;
    if (from.high.load(std::memory_order_relaxed)) [[unlikely]] {  // no partner: a hint for reports
      from.high.store(false, std::memory_order_relaxed);           // no partner: a hint for reports
      dispatcher_.tell_watermark({Watermark::Level::low, from.publisher, index_, 0, from.lane.capacity_bytes()});
    }
  }
  return settled;
}

std::uint64_t Worker::drain_queue(PublisherLane& from, OverflowQueue& queue, std::uint64_t budget) {
  std::uint64_t settled = 0;
  while (settled < budget) {
    const OverflowQueue::Taken taken = queue.take();
    if (taken.entry == nullptr) break;
    run_boxed(*taken.entry, *taken.event, 0);
    queue.settle(taken);
    from.left.add(1);
    ++settled;
  }
  return settled;
}

void Worker::dispatch_one(const DispatchEntry& entry, std::byte* event) {
  const HandlerList& handlers = *entry.handlers.load(std::memory_order_acquire);  // T4 <- T3
  const HandlerList::Row& row = handlers.first();
  if (handlers.alone_on() != short_way_ || !running_.enter(*row.subscription)) [[unlikely]]
    return dispatch_apart(entry, event);
  context_.set_entry(entry, event);
  context_.set_subscription(*row.subscription);
  row.invoke(row.handler, event, 1, context_, tally_);
  settled_.add(1 - settle(row, *row.stats, event, 1));
}

void Worker::dispatch_apart(const DispatchEntry& entry, std::byte* event) {
  dispatch(entry, {.kind = entry.kind, .count = 1}, event);
}

void Worker::dispatch(const DispatchEntry& entry, const Lane::Frame& frame, std::byte* events) {
  if (entry.plain) [[likely]]
    return run_handlers(entry, events, frame.count, frame.stamp);
  if (!entry.place.boxed) {
    run_whole(entry, events, frame.count, frame.stamp);
    if (!entry.ops->trivially_copyable) entry.ops->destroy(events, frame.count);
    return;
  }
  auto* boxes = reinterpret_cast<SharedEvent**>(events);
  for (std::uint32_t i = 0; i < frame.count; ++i) run_boxed(entry, *boxes[i], i == 0 ? frame.stamp : 0);
}

void Worker::run_boxed(const DispatchEntry& entry, SharedEvent& box, std::uint64_t stamp) {
  context_.set_box(&box);
  run_whole(entry, box.data(), 1, stamp);
  context_.set_box(nullptr);
  box.release();
}

/// Events that may carry meta: a handler that gets a span must find the events side by side, so these come singly.
void Worker::run_whole(const DispatchEntry& entry, const void* whole, std::uint32_t count, std::uint64_t stamp) {
  const std::uint32_t offset = entry.ops->payload_offset;
  if (offset == 0) return run_handlers(entry, whole, count, stamp);
  const auto* at = static_cast<const std::byte*>(whole);
  for (std::uint32_t i = 0; i < count; ++i, at += entry.ops->size) {
    context_.set_meta(reinterpret_cast<const EventMeta*>(at));
    context_.set_behind(count - 1 - i);
    run_handlers(entry, at + offset, 1, i == 0 ? stamp : 0);
  }
  context_.set_meta(nullptr);
  context_.set_behind(0);
}

void Worker::run_handlers(const DispatchEntry& entry, const void* events, std::uint32_t count,
                          std::uint64_t stamp) {
  const HandlerList& handlers = *entry.handlers.load(std::memory_order_acquire);  // T4 <- T3
  if (handlers.size() == 0) [[unlikely]] {
    entry.tell_unhandled(static_cast<const std::byte*>(events) - entry.ops->payload_offset, count);
    unsubscribed_.add(count);
    settled_.add(count);
    return;
  }
  context_.set_entry(entry, events);
  const bool own = handlers.worker() == static_cast<int>(index_);
  std::uint32_t kept = run_handler(handlers.first(), own, events, count, stamp);
  if (handlers.size() > 1) {
    for (const HandlerList::Row& row : handlers.others()) kept += run_handler(row, own, events, count, stamp);
  }
  settled_.add(count * handlers.size() - kept);
}

std::uint32_t Worker::run_handler(const HandlerList::Row& row, bool own, const void* events, std::uint32_t count,
                                  std::uint64_t stamp) {
  // A shard's entry may have passed to another worker while events of its were under way to this one.
  SubscriptionStats& stats = own ? *row.stats : *row.subscription->stats[index_];
  if (!running_.enter(*row.subscription)) [[unlikely]] {
    running_.leave();
    return pass_on(*row.subscription, events, count);
  }
  context_.set_subscription(*row.subscription);
#if HEADRACE_TELEMETRY
  const std::uint64_t begun = stamp != 0 ? cycles() : 0;
#else
  static_cast<void>(stamp);
#endif
  publisher_.count_for(stats);
  row.invoke(row.handler, events, count, context_, tally_);
  publisher_.count_for_itself();
#if HEADRACE_TELEMETRY
  if (begun != 0) [[unlikely]]
    record_times(stats, stamp, begun, count);
#endif
  return settle(row, stats, events, count);
}

std::uint32_t Worker::settle(const HandlerList::Row& row, SubscriptionStats& stats, const void* events,
                             std::uint32_t count) {
  stats.runs.add(1);
  if (!tally_.all_handled(count)) [[unlikely]]
    return settle_exceptions(*row.subscription, stats, events, count);
  tally_.handled = 0;
  stats.handled.add(count);
  running_.leave();
  return 0;
}

std::uint32_t Worker::settle_exceptions(SubscriptionState& subscription, SubscriptionStats& stats,
                                        const void* events, std::uint32_t count) {
  const Tally tally = std::exchange(tally_, {});
  stats.handled.add(tally.handled);
  account(stats, tally);
  if (tally.kept != 0) kept_.add(tally.kept);
  running_.leave();
  if (!tally.ended) return tally.kept;
  std::exchange(ended_inside_, nullptr)->handler.reset();
  const std::uint32_t told = tally.told();
  if (told == count) return tally.kept;
  const auto* rest = static_cast<const std::byte*>(events) + std::size_t{told} * context_.ops().size;
  return tally.kept + pass_on(subscription, rest, count - told);
}

std::uint32_t Worker::pass_on(SubscriptionState& ended, const void* events, std::uint32_t count) {
  RunningHandler<SubscriptionState>::see_cancel(ended);
  const DispatchEntry& entry = context_.entry();
  const HandlerList& now = *entry.handlers.load(std::memory_order_acquire);  // T4 <- T3
  const HandlerList::Row* heir = now.member_of(ended.group);
  if (heir == nullptr) {
    entry.tell_unhandled(static_cast<const std::byte*>(events) - entry.ops->payload_offset, count);
    ended.stats[index_]->unsubscribed.add(count);
    return 0;
  }
  context_.set_first(events);
  return run_handler(*heir, now.worker() == static_cast<int>(index_), events, count, 0);
}

void Worker::account(SubscriptionStats& stats, const Tally& tally) {
  stats.failed.add(tally.failed);
  stats.refused.add(tally.refused);
  stats.dead_lettered.add(tally.dead_lettered);
  stats.dropped.add(tally.dropped);
  stats.expired.add(tally.expired);
  stats.letters_dropped.add(tally.letters_dropped);
  stats.copies.add(tally.copies);
  stats.unchecked.add(tally.unchecked);
}

#if HEADRACE_TELEMETRY
void Worker::record_times(SubscriptionStats& stats, std::uint64_t stamp, std::uint64_t begun,
                          std::uint32_t count) {
  const CycleClock& clock = dispatcher_.clock();
  stats.queue_wait_ns.record(clock.to_ns(begun - std::min(begun, stamp)));
  stats.handling_ns.record(clock.to_ns(cycles() - begun) / count);
}
#endif

std::uint64_t Worker::take_balanced(std::uint64_t budget) {
  if (!balanced_) balanced_ = dispatcher_.balanced_consumer();
  if (budget == 0) [[unlikely]]
    return 0;
  return balanced_->consume(budget < kBalancedRun ? budget : kBalancedRun, [this](BalancedEvent&& event) {
    const DispatchEntry& entry = *event.entry;
    if (BalancedEvent::fits(*entry.ops)) {
      run_whole(entry, event.bytes, 1, event.stamp);
    } else {
      run_boxed(entry, *event.shared(), event.stamp);
    }
    balanced_left_.add(1);
  });
}

void Worker::doze_idle_lanes() {
  if (hot_.size() <= kLanesWorthDozing) return;
  const auto idle = [](const PublisherLane* lane) { return lane->empty_polls >= kEmptyPollsToDoze; };
  if (std::none_of(hot_.begin(), hot_.end(), idle)) return;
  for (PublisherLane* lane : hot_) {
    if (idle(lane)) lane->doze.begin();
  }
  Doze::fence();
  std::erase_if(hot_, [&](PublisherLane* lane) {
    if (!idle(lane)) return false;
    if (holds_something(*lane)) {
      lane->doze.cancel();
      return false;
    }
    lane->hot = false;
    return true;
  });
}

bool Worker::holds_something(PublisherLane& lane) noexcept {
  Lane::Frame frame;
  const OverflowQueue* queue = lane.queue.load(std::memory_order_acquire);  // V2 <- V1
  return lane.lane.consumer().peek(frame) || (queue != nullptr && queue->pending() != 0);
}

void Worker::park() {
  for (PublisherLane* lane : hot_) lane->doze.begin();
  const auto key = doorbell_.sleepers().prepare_wait();  // it holds the fence that Doze asks for
  const WorkerAgent* const agent = this->agent();
  const bool held_back = agent != nullptr && agent->credit() == 0;
  const bool stay =
      doorbell_.was_rung() || halted_.load(std::memory_order_acquire) ||  // E2 <- E1
      (!held_back && dispatcher_.balanced_waits()) ||
      (!held_back && std::any_of(hot_.begin(), hot_.end(), [](auto* lane) { return holds_something(*lane); }));
  if (stay) {
    doorbell_.sleepers().cancel_wait(key);
    for (PublisherLane* lane : hot_) lane->doze.cancel();
    return;
  }
  if (agent == nullptr) {
    for (PublisherLane* lane : hot_) lane->hot = false;
    hot_.clear();
    return doorbell_.sleepers().wait(key);
  }
  // A worker that wakes by itself was rung by nobody: it goes on looking at the same lanes.
  static_cast<void>(doorbell_.sleepers().wait_until(key, agent->next_due_ns()));
  for (PublisherLane* lane : hot_) lane->doze.cancel();
}

}  // namespace headrace
