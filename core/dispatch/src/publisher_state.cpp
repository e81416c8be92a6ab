#include "headrace/dispatch/publisher_state.hpp"

#include <cstring>
#include <thread>
#include <utility>

#include "headrace/base/hints.hpp"
#include "headrace/dispatch/dispatcher.hpp"
#include "headrace/dispatch/overflow_queue.hpp"

namespace headrace {
namespace {

using Policy = Overflow::Policy;

// About 12 us, in which a worker that drains gives an eighth of a lane back. A yield before that hands the core to
// whatever else runs there for longer than the lane lasts: a stream through a full lane fell to a tenth.
constexpr int kSpinsBeforeYield = 512;
constexpr int kYieldsBeforePark = 64;

}  // namespace

PublisherState::PublisherState(Dispatcher& dispatcher, std::uint32_t index, Owner owner)
    : dispatcher_(dispatcher),
      index_(index),
      owner_(owner),
      counts_flow_(dispatcher.options().flow == Flow::counted),
      pace_(dispatcher.options().repeatable ? Pace::By::count : Pace::By::clock) {
  const DispatcherOptions& options = dispatcher.options();
  for (std::uint32_t worker = 0; worker < dispatcher.worker_count(); ++worker) {
    lanes_.push_back(std::make_unique<PublisherLane>(options.lane_bytes, index, worker));
  }
  if (options.on_watermark) hear_watermarks();
}

PublisherState::~PublisherState() {
  for (const auto& to : lanes_) {
    delete to->queue.load(std::memory_order_relaxed);  // no partner: workers and publisher are gone
  }
}

void PublisherState::hear_watermarks() {
  if (std::exchange(is_heard_, true)) return;
  for (const auto& to : lanes_) to->lane.producer().limit_use(dispatcher_.high_watermark_bytes());
}

void PublisherState::on_watermark(std::function<void(const Watermark&)> heard) {
  if (heard) hear_watermarks();
  const std::scoped_lock lock(heard_mutex_);
  heard_ = std::move(heard);
}

void PublisherState::tell_watermark(const Watermark& watermark) {
  if (const auto& callback = dispatcher_.options().on_watermark) callback(watermark);
  const std::scoped_lock lock(heard_mutex_);
  // The lane may have run empty, or full again, before this one came to tell: who changed it last tells it, too.
  const bool is_high = lanes_[watermark.worker]->high.load(std::memory_order_relaxed);  // no partner: the mutex
  if (heard_ && is_high == (watermark.level == Watermark::Level::high)) heard_(watermark);
}

const TopicNode& PublisherState::learn_typed_topic(const EventOps& ops, std::string_view name) {
  const TopicNode& node = dispatcher_.typed_topic(ops, name);
  typed_topics_[ops.type] = &node;
  return node;
}

PublishStatus PublisherState::find_topic(const EventOps& ops, std::string_view name, const TopicNode*& node) {
  return dispatcher_.find_topic(ops, name, node);
}

EventMeta PublisherState::meta_of(const PublishOptions& options, const EventMeta* cause) const {
  const PublishOptions whole = caused_by(cause, options);
  EventMeta meta;
  meta.id = options.id ? options.id : dispatcher_.new_id();
  meta.causation = whole.causation;
  meta.correlation = whole.correlation;
  if (!meta.correlation) meta.correlation = meta.id;
  if (options.expires_after > std::chrono::nanoseconds::zero()) {
    meta.expires_ns =
        dispatcher_.options().time.now_ns() + static_cast<std::uint64_t>(options.expires_after.count());
  }
  return meta;
}

void PublisherState::ring(PublisherLane& to) noexcept {
  if (to.doze.end()) dispatcher_.ring_doorbell(to.worker, index_);
  if (dispatcher_.stopped()) [[unlikely]]
    dispatcher_.withdraw_late(to);
}

bool PublisherState::has_room(PublisherLane& to, std::uint64_t bytes) noexcept {
  if (to.spilling) {
    OverflowQueue& queue = *to.queue.load(std::memory_order_relaxed);  // own store, no partner
    if (queue.pending() != 0) return false;
    queue.forget_keys();
    to.spilling = false;
  }
  if (to.lane.producer().has_room(bytes)) return true;
  note_fill(to);
  return to.lane.producer().has_room(bytes);
}

void PublisherState::note_fill(PublisherLane& to) noexcept {
  if (!is_heard_) return;
  auto& producer = to.lane.producer();
  producer.lift_limit();
  if (to.high.load(std::memory_order_relaxed)) return;  // no partner: a hint for reports
  to.high.store(true, std::memory_order_relaxed);       // no partner: a hint for reports
  tell_watermark({Watermark::Level::high, index_, to.worker, producer.used_bytes_max(), to.lane.capacity_bytes()});
}

bool PublisherState::must_not_block() const noexcept {
  return owner_ == Owner::worker || dispatcher_.never_blocks() || Worker::current() != nullptr ||
         HandlerSeat::current() != nullptr;
}

PublishStatus PublisherState::plan_target(const Target& target, std::uint64_t key_hash) {
  PublisherLane& to = *lanes_[target.worker];
  const DispatchEntry& entry = *target.entry;
  std::uint64_t bytes = entry.kind.stride_bytes();
  for (const Plan& planned : plan_) {  // groups of one worker that differ in policy have a frame each
    if (planned.step == Step::enter && planned.target->worker == target.worker) {
      bytes += planned.target->entry->kind.stride_bytes() + Lane::Producer::kFrameOverheadMax;
    }
  }
  if (has_room(to, bytes)) {
    plan_.push_back({&target, Step::enter});
    return PublishStatus::published;
  }
  const auto pending = [&] { return to.spilling ? queue_of(to).pending(entry.place.overflow.policy) : 0; };
  const auto queue_within = [&](std::uint64_t budget) {
    if (pending() >= budget) return PublishStatus::full;
    plan_.push_back({&target, Step::queue});
    return PublishStatus::published;
  };
  switch (entry.place.overflow.policy) {
    case Policy::block: {
      if (must_not_block()) {
        return queue_within(dispatcher_.options().handler_backlog_events);
      }
      const auto status = wait_for_room(to, bytes, entry.place.overflow.deadline);
      if (status == PublishStatus::published) plan_.push_back({&target, Step::enter});
      return status;
    }
    case Policy::fail:
      return PublishStatus::full;
    case Policy::drop_newest:
      plan_.push_back({&target, Step::drop});
      return PublishStatus::published;
    case Policy::drop_oldest:
      plan_.push_back({&target, Step::queue});
      return PublishStatus::published;
    case Policy::spill:
      return queue_within(entry.place.overflow.budget_events);
    case Policy::conflate: {
      const bool replaces = to.spilling && queue_of(to).waits(entry, key_hash);
      if (!replaces && pending() >= entry.place.overflow.budget_events) return PublishStatus::full;
      plan_.push_back({&target, Step::conflate});
      return PublishStatus::published;
    }
  }
  return PublishStatus::full;
}

PublishStatus PublisherState::wait_for_room(PublisherLane& to, std::uint64_t bytes,
                                            std::chrono::nanoseconds deadline) {
  const std::uint64_t begun = steady_ns();
  const bool endless = deadline == std::chrono::nanoseconds::max();
  const std::uint64_t until = endless ? ~std::uint64_t{0} : begun + static_cast<std::uint64_t>(deadline.count());
  const auto slow_after = static_cast<std::uint64_t>(dispatcher_.options().slow_after.count());
  std::uint64_t report_at = begun + slow_after;

  for (int round = 0;; ++round) {
    if (has_room(to, bytes)) return PublishStatus::published;
    if (closed_.load(std::memory_order_relaxed)) return PublishStatus::closed;  // C2 <- C1
    if (round < kSpinsBeforeYield) {
      pause();
    } else if (round < kSpinsBeforeYield + kYieldsBeforePark) {
      std::this_thread::yield();
    } else {
      const std::uint64_t now = steady_ns();
      if (now >= until) return PublishStatus::timed_out;
      if (now >= report_at) {
        dispatcher_.report_slow_consumer(to.worker, std::chrono::nanoseconds(now - begun));
        report_at = now + slow_after;
      }
      const auto key = to.room.prepare_wait();
      if (has_room(to, bytes) || closed_.load(std::memory_order_relaxed)) {  // C2 <- C1
        to.room.cancel_wait(key);
      } else {
        static_cast<void>(to.room.wait_until(key, std::min(until, report_at)));
      }
    }
  }
}

OverflowQueue& PublisherState::queue_of(PublisherLane& to) {
  OverflowQueue* queue = to.queue.load(std::memory_order_relaxed);  // own store, no partner
  if (queue == nullptr) {
    queue = new OverflowQueue;
    to.queue.store(queue, std::memory_order_release);  // V1 -> V2
  }
  return *queue;
}

void PublisherState::enqueue(const Plan& plan, std::uint64_t key_hash, SharedEvent* event) {
  const DispatchEntry& entry = *plan.target->entry;
  PublisherLane& to = *lanes_[plan.target->worker];
  OverflowQueue& queue = queue_of(to);
  const auto give_up = [&](const DispatchEntry& of, SharedEvent* lost) {
    to.removed.add(1);
    dropped.add(of.deliveries());
    lost->release();
  };
  to.spilling = true;
  to.lane.producer().close_run();  // extending the open frame would overtake what waits
  to.queued.add(1);
  if (plan.step == Step::conflate) {
    if (SharedEvent* replaced = queue.replace(entry, key_hash, event)) {
      give_up(entry, replaced);
    } else {
      queue.push_replaceable(entry, key_hash, event);
    }
  } else {
    if (entry.place.overflow.policy == Policy::drop_oldest &&
        queue.pending(Policy::drop_oldest) >= entry.place.overflow.budget_events) {
      if (const auto oldest = queue.drop_oldest(); oldest.entry != nullptr) give_up(*oldest.entry, oldest.event);
    }
    queue.push(entry, event);
  }
  ring_if_dozing(to);
}

PublishStatus PublisherState::plan_balanced(const Route& route) {
  if (!balanced_) balanced_ = dispatcher_.balanced_producer();
  const std::size_t wanted = route.balanced.size();
  if (balanced_->room(wanted) == wanted) return PublishStatus::published;
  // One ring serves all balanced groups; the most patient of their policies decides.
  Overflow overflow = Overflow::drop_newest();
  for (const auto& members : route.balanced) {
    const Overflow& own = members.front()->place.overflow;
    if (own.policy == Policy::block) overflow = own;
    if (own.policy == Policy::fail && overflow.policy != Policy::block) overflow = own;
  }
  if (overflow.policy == Policy::drop_newest) return PublishStatus::dropped;
  if (overflow.policy == Policy::fail || must_not_block()) return PublishStatus::full;
  const std::uint64_t begun = steady_ns();
  while (balanced_->room(wanted) != wanted) {
    if (closed_.load(std::memory_order_relaxed)) return PublishStatus::closed;  // C2 <- C1
    if (steady_ns() - begun > static_cast<std::uint64_t>(overflow.deadline.count()))
      return PublishStatus::timed_out;
    std::this_thread::yield();
  }
  return PublishStatus::published;
}

void PublisherState::push_balanced(const Route& route, const EventOps& ops, const void* event,
                                   SharedEvent* shared) {
  ++balanced_turn_;
  for (const auto& members : route.balanced) {
    BalancedEvent item;
    item.entry = members[balanced_turn_ % members.size()];
    item.stamp = cycles();
    if (BalancedEvent::fits(ops)) {
      std::memcpy(item.bytes, event, ops.size);
    } else {
      item.set_shared(shared);
    }
    balanced_entered.add(1);
    const PushResult pushed = balanced_->try_push(item);
    HEADRACE_CHECK("publish.balanced", pushed == PushResult::pushed, "room was seen and is gone");
  }
  dispatcher_.wake_any();
}

PublishResult PublisherState::publish_slowly(const Route& route, const TopicNode& topic, void* event) {
  const EventOps& ops = *topic.ops;
  if (route.shape == Route::Shape::nobody) {
    unrouted.add(1);
    return {PublishStatus::unrouted, 1};
  }
  const std::uint64_t key_hash = ops.has_key ? ops.key_hash(event) : topic.key_hash;
  plan_.clear();
  for (const Target& target : route.fixed) {
    if (const auto status = plan_target(target, key_hash); status != PublishStatus::published) return {status, 0};
  }
  for (const auto& slots : route.sharded) {
    const auto status = plan_target(route.shard(slots, key_hash), key_hash);
    if (status != PublishStatus::published) return {status, 0};
  }
  PublishStatus balanced = route.balanced.empty() ? PublishStatus::dropped : plan_balanced(route);
  if (!PublishResult(balanced, 0)) return {balanced, 0};

  // Nothing can fail from here on: room once seen never shrinks.
  PublishStatus outcome = PublishStatus::published;
  std::uint32_t holders = 0;
  for (const Plan& plan : plan_) {
    const bool boxed = plan.target->entry->place.boxed && plan.step == Step::enter;
    holders += boxed || plan.step == Step::queue || plan.step == Step::conflate ? 1 : 0;
  }
  const bool to_balanced = !route.balanced.empty() && balanced == PublishStatus::published;
  if (to_balanced && !BalancedEvent::fits(ops)) holders += static_cast<std::uint32_t>(route.balanced.size());

  if (to_balanced && BalancedEvent::fits(ops)) push_balanced(route, ops, event, nullptr);
  for (const Plan& plan : plan_) {
    if (plan.step == Step::enter && !plan.target->entry->place.boxed) enter(*plan.target, event);
  }
  SharedEvent* shared = nullptr;
  if (holders > 0) {
    shared = SharedEvent::allocate(ops, holders);
    ops.move(shared->data(), event);
  }
  if (to_balanced && !BalancedEvent::fits(ops)) push_balanced(route, ops, event, shared);
  // Before the others: what is queued closes the lane for events that come later.
  for (const Plan& plan : plan_) {
    if (plan.step == Step::enter && plan.target->entry->place.boxed) enter(*plan.target, &shared);
  }
  for (const Plan& plan : plan_) {
    if (plan.step == Step::queue || plan.step == Step::conflate) enqueue(plan, key_hash, shared);
    if (plan.step == Step::drop) {
      dropped.add(plan.target->entry->deliveries());
      outcome = PublishStatus::dropped;
    }
  }
  if (!route.balanced.empty() && !to_balanced) {
    dropped.add(route.balanced.size());
    outcome = PublishStatus::dropped;
  }
  return {outcome, 1};
}

void PublisherState::enter(const Target& target, void* event) {
  const DispatchEntry& entry = *target.entry;
  PublisherLane& to = *lanes_[target.worker];
  void* place = claim(to, entry.kind, 1);
  HEADRACE_CHECK("publish.room", place != nullptr, "room was seen and is gone");
  if (entry.place.boxed || entry.ops->trivially_copyable) {
    std::memcpy(place, event, entry.kind.stride_bytes());
  } else {
    entry.ops->move(place, event);
  }
  commit(to);
}

}  // namespace headrace
