#include "headrace/dispatch/worker.hpp"

#include <algorithm>

#include "headrace/base/clock.hpp"
#include "headrace/dispatch/context.hpp"
#include "headrace/dispatch/dispatcher.hpp"
#include "headrace/dispatch/idle.hpp"

namespace headrace {
namespace {

constexpr std::uint64_t kBudget = 1024;             // events of one lane before the next is looked at
constexpr std::uint32_t kTurnsBetweenDozes = 4096;  // how often idle lanes are looked for
constexpr std::uint32_t kEmptyPollsToDoze = 2048;
constexpr std::size_t kLanesWorthDozing = 8;  // polling a few idle lanes costs less than ringing for them

thread_local Worker* t_worker = nullptr;

}  // namespace

Worker::Worker(Dispatcher& dispatcher, unsigned index, PublisherState& publisher)
    : dispatcher_(dispatcher), index_(index), publisher_(publisher), doorbell_(dispatcher.publisher_slots()) {
  hot_.reserve(dispatcher.publisher_slots());
}

Worker* Worker::current() noexcept { return t_worker; }
Worker::Scope::Scope(Worker& worker) noexcept : outer_(std::exchange(t_worker, &worker)) {}
Worker::Scope::~Scope() { t_worker = outer_; }

void Worker::halt() noexcept {
  halted_.store(true, std::memory_order_release);  // E1 -> E2
  doorbell_.wake();
}

void Worker::run() {
  const Scope scope(*this);
  Idle idle(dispatcher_.options().wait);
  while (!halted_.load(std::memory_order_acquire)) {  // E2 <- E1
    const std::uint64_t settled = turn(kBudget);
    if (settled > 0) {
      idle.found(settled);
    } else if (idle.found_nothing() == Idle::Next::park) {
      park();
    }
  }
}

std::uint64_t Worker::turn(std::uint64_t budget) {
  if (doorbell_.was_rung()) [[unlikely]] {
    doorbell_.answer([this](std::uint32_t publisher) { open(publisher); });
  }
  std::uint64_t settled = 0;
  for (PublisherLane* lane : hot_) settled += drain(*lane, budget);
  if (dispatcher_.has_balanced()) settled += take_balanced(budget);
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
  OverflowQueue* queue = from.queue.load(std::memory_order_acquire);  // V2 <- V1
  // Asked before the lane is found empty: so many are older than what the publisher may put into the lane once they
  // are settled.
  const std::uint64_t queued = queue != nullptr ? queue->pending() : 0;

  auto& lane = from.lane.consumer();
  Lane::Frame frame;
  std::uint64_t settled = 0;
  bool empty = false;
  while (settled < budget) {
    if (!lane.peek(frame)) {
      empty = true;
      break;
    }
    const DispatchEntry& entry = dispatcher_.entry(frame.kind.tag());
    dispatch(entry, frame, lane.payload(frame));
    lane.consume(frame.count);
    from.left.add(std::uint64_t{frame.count} * entry.handlers.size());
    settled += frame.count;
  }
  if (queued > 0 && empty) settled += drain_queue(from, *queue, std::min(budget, queued));
  if (settled > 0) {
    from.empty_polls = 0;
    from.room.notify();
  } else {
    ++from.empty_polls;
    if (from.high.load(std::memory_order_relaxed)) [[unlikely]] {  // no partner: a hint for reports
      from.high.store(false, std::memory_order_relaxed);           // no partner: a hint for reports
      dispatcher_.options().on_watermark(
          {Watermark::Level::low, from.publisher, index_, 0, from.lane.capacity_bytes()});
    }
  }
  return settled;
}

std::uint64_t Worker::drain_queue(PublisherLane& from, OverflowQueue& queue, std::uint64_t budget) {
  std::uint64_t settled = 0;
  while (settled < budget) {
    const OverflowQueue::Taken taken = queue.take();
    if (taken.entry == nullptr) break;
    run_handlers(*taken.entry, taken.event->data(), 1, 0);
    taken.event->release();
    const std::uint64_t deliveries = taken.entry->handlers.size();
    queue.settle(taken);
    from.left.add(deliveries);
    ++settled;
  }
  return settled;
}

void Worker::dispatch(const DispatchEntry& entry, const Lane::Frame& frame, std::byte* events) {
  if (!entry.boxed) [[likely]] {
    run_handlers(entry, events, frame.count, frame.stamp);
    if (!entry.ops->trivially_copyable) entry.ops->destroy(events, frame.count);
    return;
  }
  auto* boxes = reinterpret_cast<SharedEvent**>(events);
  for (std::uint32_t i = 0; i < frame.count; ++i) {
    run_handlers(entry, boxes[i]->data(), 1, i == 0 ? frame.stamp : 0);
    boxes[i]->release();
  }
}

void Worker::run_handlers(const DispatchEntry& entry, const void* events, std::uint32_t count,
                          std::uint64_t stamp) {
  Context context(entry, index_, publisher_, dispatcher_, events);
  for (const auto& subscription : entry.handlers) run_handler(*subscription, context, events, count, stamp);
}

void Worker::run_handler(SubscriptionState& subscription, Context& context, const void* events,
                         std::uint32_t count, std::uint64_t stamp) {
  SubscriptionStats& stats = *subscription.stats[index_];
  if (!running_.enter(subscription)) [[unlikely]] {
    stats.unsubscribed.add(count);
  } else {
    context.set_subscription(subscription);
#if HEADRACE_TELEMETRY
    const std::uint64_t begun = stamp != 0 ? cycles() : 0;
#else
    static_cast<void>(stamp);
#endif
    Tally tally;
    tally_ = &tally;
    subscription.invoke(subscription.handler.get(), events, count, context, tally);
    stats.handled.add(tally.handled);
    stats.runs.add(1);
    if (tally.failed + tally.refused > 0) {
      stats.failed.add(tally.failed);
      stats.refused.add(tally.refused);
    }
    if (tally.ended) [[unlikely]]
      stats.unsubscribed.add(count - tally.handled - tally.failed - tally.refused);
#if HEADRACE_TELEMETRY
    if (begun != 0) {
      const CycleClock& clock = dispatcher_.clock();
      stats.queue_wait_ns.record(clock.to_ns(begun - std::min(begun, stamp)));
      stats.handling_ns.record(clock.to_ns(cycles() - begun) / count);
    }
#endif
  }
  running_.leave();
  if (ended_inside_ != nullptr) [[unlikely]]
    std::exchange(ended_inside_, nullptr)->handler.reset();
}

std::uint64_t Worker::take_balanced(std::uint64_t budget) {
  if (!balanced_) balanced_ = dispatcher_.balanced_consumer();
  return balanced_->consume(budget < kBalancedRun ? budget : kBalancedRun, [this](BalancedEvent&& event) {
    const DispatchEntry& entry = *event.entry;
    const bool inlined = BalancedEvent::fits(*entry.ops);
    run_handlers(entry, inlined ? event.bytes : event.shared()->data(), 1, event.stamp);
    if (!inlined) event.shared()->release();
    balanced_left_.add(1);
  });
}

void Worker::doze_idle_lanes() {
  if (hot_.size() <= kLanesWorthDozing) return;
  const auto idle = [](const PublisherLane* lane) { return lane->empty_polls >= kEmptyPollsToDoze; };
  if (std::none_of(hot_.begin(), hot_.end(), idle)) return;
  for (PublisherLane* lane : hot_) {
    if (idle(lane)) lane->dozing.store(true, std::memory_order_relaxed);  // D1 -> D2
  }
  asymmetric_fence_heavy();  // F2 <-> F1
  std::erase_if(hot_, [&](PublisherLane* lane) {
    if (!idle(lane)) return false;
    if (holds_something(*lane)) {
      lane->dozing.store(false, std::memory_order_relaxed);  // no partner: a ring meanwhile is answered as usual
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
  for (PublisherLane* lane : hot_) lane->dozing.store(true, std::memory_order_relaxed);  // D1 -> D2
  const auto key = doorbell_.sleepers().prepare_wait();                                  // F2 <-> F1
  const bool stay = doorbell_.was_rung() || halted_.load(std::memory_order_acquire) ||   // E2 <- E1
                    dispatcher_.balanced_waits() ||
                    std::any_of(hot_.begin(), hot_.end(), [](auto* lane) { return holds_something(*lane); });
  if (stay) {
    doorbell_.sleepers().cancel_wait(key);
    for (PublisherLane* lane : hot_) {
      lane->dozing.store(false, std::memory_order_relaxed);  // no partner: a ring meanwhile is answered as usual
    }
    return;
  }
  for (PublisherLane* lane : hot_) lane->hot = false;
  hot_.clear();
  doorbell_.sleepers().wait(key);
}

std::uint64_t Worker::abandon_all() {
  std::uint64_t lost = 0;
  doorbell_.answer([this](std::uint32_t publisher) { open(publisher); });
  for (PublisherLane* from : hot_) {
    auto& lane = from->lane.consumer();
    Lane::Frame frame;
    while (lane.peek(frame)) {
      const DispatchEntry& entry = dispatcher_.entry(frame.kind.tag());
      std::byte* events = lane.payload(frame);
      if (entry.boxed) {
        for (std::uint32_t i = 0; i < frame.count; ++i) reinterpret_cast<SharedEvent**>(events)[i]->release();
      } else if (!entry.ops->trivially_copyable) {
        entry.ops->destroy(events, frame.count);
      }
      lane.consume(frame.count);
      const std::uint64_t deliveries = std::uint64_t{frame.count} * entry.handlers.size();
      lost += deliveries;
      from->left.add(deliveries);
    }
    OverflowQueue* queue = from->queue.load(std::memory_order_acquire);  // V2 <- V1
    if (queue == nullptr) continue;
    for (auto taken = queue->take(); taken.entry != nullptr; taken = queue->take()) {
      taken.event->release();
      const std::uint64_t deliveries = taken.entry->handlers.size();
      queue->settle(taken);
      lost += deliveries;
      from->left.add(deliveries);
    }
  }
  if (dispatcher_.has_balanced()) {
    if (!balanced_) balanced_ = dispatcher_.balanced_consumer();
    while (balanced_->consume(kBalancedRun, [&](BalancedEvent&& event) {
      if (!BalancedEvent::fits(*event.entry->ops)) event.shared()->release();
      balanced_left_.add(1);
      ++lost;
    }) > 0) {
    }
  }
  abandoned_.add(lost);
  return lost;
}

}  // namespace headrace
