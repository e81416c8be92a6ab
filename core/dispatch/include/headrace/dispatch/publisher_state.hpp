#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "headrace/base/clock.hpp"
#include "headrace/dispatch/balanced_event.hpp"
#include "headrace/dispatch/one_at_a_time.hpp"
#include "headrace/dispatch/options.hpp"
#include "headrace/dispatch/pace.hpp"
#include "headrace/dispatch/publish_result.hpp"
#include "headrace/dispatch/publisher_lane.hpp"
#include "headrace/dispatch/routes.hpp"
#include "headrace/dispatch/subscription_stats.hpp"
#include "headrace/dispatch/topic_table.hpp"
#include "headrace/event/event_meta.hpp"
#include "headrace/event/event_traits.hpp"
#include "headrace/ring/mpmc_ring.hpp"
#include "headrace/route/quiescence.hpp"
#include "headrace/telemetry/counter.hpp"
#include "headrace/telemetry/numbered_counters.hpp"

namespace headrace {

class Dispatcher;

/// A publisher as the bus knows it: its lanes, its routes, its side of the ledger. Used by one thread at a time.
///
/// Ordering:  C1 -> C2  with RouteReader's fences: a publisher sees the closed bus, or the bus waits for it
class PublisherState {
 public:
  /// Whose the publisher is: a worker's must not wait for room, because it may wait for itself.
  enum class Owner : std::uint8_t { program, worker };

  PublisherState(Dispatcher& dispatcher, std::uint32_t index, Owner owner);
  ~PublisherState();
  PublisherState(const PublisherState&) = delete;
  PublisherState& operator=(const PublisherState&) = delete;

  /// @thread publisher
  template <class T, class U>
  PublishResult publish(U&& event) {
    return publish_to<T>(typed_topic<T>(), std::forward<U>(event));
  }
  template <class T, class U>
  PublishResult publish(std::string_view topic, U&& event) {
    const TopicNode* node = nullptr;
    if (const auto status = find_topic(event_ops<T>(), topic, node); status != PublishStatus::published) {
      return {status, 0};
    }
    return publish_to<T>(*node, std::forward<U>(event));
  }
  /// The same with meta in front of the event.
  template <class T, class U>
  PublishResult publish_with(const EventMeta& meta, U&& event) {
    return wrapped<T>(meta, std::forward<U>(event),
                      [this](auto&& whole) { return this->template publish<WithMeta<T>>(std::move(whole)); });
  }
  template <class T, class U>
  PublishResult publish_with(std::string_view topic, const EventMeta& meta, U&& event) {
    return wrapped<T>(meta, std::forward<U>(event),
                      [&](auto&& whole) { return this->template publish<WithMeta<T>>(topic, std::move(whole)); });
  }
  /// What an event published with these options carries; `cause` is the meta of the event being handled, or null.
  [[nodiscard]] EventMeta meta_of(const PublishOptions& options, const EventMeta* cause) const;

  template <class T, class... Args>
  PublishResult emplace(Args&&... args) {
    return emplace_to<T>(typed_topic<T>(), std::forward<Args>(args)...);
  }
  template <Event T>
  requires std::is_trivially_copyable_v<T> PublishResult publish(std::span<const T> events) {
    return publish_span(typed_topic<T>(), events);
  }

  template <class T, class U>
  PublishResult publish_to(const TopicNode& topic, U&& event) {
    const OneAtATime::Use use(user_);
    if (go_direct<T>(topic.direct, std::forward<U>(event))) [[likely]]
      return {PublishStatus::published, 1};
    if constexpr (std::is_trivially_copyable_v<T> && sizeof(T) <= kCopiedBytesMax) {
      return publish_longer<T>(topic, T(std::forward<U>(event)));
    } else {
      return publish_longer<T>(topic, std::forward<U>(event));
    }
  }
  template <class T, class... Args>
  PublishResult emplace_to(const TopicNode& topic, Args&&... args) {
    const OneAtATime::Use use(user_);
    if (go_direct<T>(topic.direct, std::forward<Args>(args)...)) [[likely]]
      return {PublishStatus::published, 1};
    if (counts_flow_) return counted(topic, put_counted<T>(topic, T(std::forward<Args>(args)...)));
    const Reading reading(*this);
    if (PublisherLane* to = begin_frame(topic)) {
      std::construct_at(static_cast<T*>(place_), std::forward<Args>(args)...);
      commit(*to);
      return {PublishStatus::published, 1};
    }
    return put<T>(topic, T(std::forward<Args>(args)...));
  }

  template <Event T>
  PublishResult publish_span(const TopicNode& topic, std::span<const T> events) {
    const PublishResult result = put_span(topic, events);
    return counts_flow_ ? counted(topic, result) : result;
  }

  /// Ledger columns, readable by anyone.
  SingleWriterCounter unrouted;
  SingleWriterCounter dropped;
  SingleWriterCounter balanced_entered;
  /// With Flow::counted: events by TopicNode::number; of a worker's publisher, but for what handlers publish.
  NumberedCounters published;

  std::string
      told_as;  ///< the name of the publisher that has it; empty: it has none. Under the Dispatcher's mutex

  /// Whose the events are from now on: a worker's publisher counts for the subscription whose handler runs.
  /// @thread publisher
  void count_for(SubscriptionStats& stats) noexcept {
    if (counts_flow_) [[unlikely]]
      published_by_ = &stats.published;
  }
  void count_for_itself() noexcept {
    if (counts_flow_) [[unlikely]]
      published_by_ = &published;
  }

  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
  [[nodiscard]] Owner owner() const noexcept { return owner_; }
  [[nodiscard]] const RouteReader& reader() const noexcept { return reader_; }
  [[nodiscard]] const std::vector<std::unique_ptr<PublisherLane>>& lanes() const noexcept { return lanes_; }

  void on_watermark(std::function<void(const Watermark&)> heard);
  /// @thread any
  void tell_watermark(const Watermark& watermark);

  /// @thread any
  void close() noexcept {
    closed_.store(true, std::memory_order_relaxed);  // C1 -> C2
  }
  /// The same, and ends the owner's wait for room. @thread any
  void close_and_wake() noexcept {
    close();
    for (const auto& lane : lanes_) lane->room.notify();
  }
  void reopen() noexcept {
    closed_.store(false, std::memory_order_relaxed);  // no partner: the handle is given out afterwards
  }

 private:
  friend class Dispatcher;

  struct Reading {
    explicit Reading(PublisherState& state) noexcept : reader(state.reader_) { reader.enter(); }
    ~Reading() { reader.leave(); }
    RouteReader& reader;
  };

  // An event that is not taken goes back to the caller.
  template <class T, class U, class Publish>
  static PublishResult wrapped(const EventMeta& meta, U&& event, Publish&& publish_whole) {
    WithMeta<T> whole{meta, std::forward<U>(event)};
    const PublishResult result = publish_whole(std::move(whole));
    if constexpr (!std::is_lvalue_reference_v<U> && !std::is_const_v<std::remove_reference_t<U>>) {
      if (!result) [[unlikely]] {
        std::destroy_at(&event);
        std::construct_at(&event, std::move(whole.event));
      }
    }
    return result;
  }

  // A small event goes the longer way as a copy: nobody but the lane needs its address then, and the program may build
  // it there.
  static constexpr std::size_t kCopiedBytesMax = 128;

  template <class T, class U>
  [[gnu::noinline]] PublishResult publish_longer(const TopicNode& topic, U&& event) {
    if (counts_flow_) return counted(topic, put_counted<T>(topic, std::forward<U>(event)));
    const Reading reading(*this);
    return put<T>(topic, std::forward<U>(event));
  }
  PublishResult counted(const TopicNode& topic, PublishResult result) noexcept {
    if (result.accepted() != 0) published_by_->add(topic.number, result.accepted());
    return result;
  }
  template <class T, class U>
  PublishResult put_counted(const TopicNode& topic, U&& event) {
    if (go_direct<T>(topic.direct_counted, std::forward<U>(event))) return {PublishStatus::published, 1};
    const Reading reading(*this);
    return put<T>(topic, std::forward<U>(event));
  }

  template <Event T>
  PublishResult put_span(const TopicNode& topic, std::span<const T> events);
  template <Event T>
  PublishResult put_each(const TopicNode& topic, const Atomic<std::uint64_t>& direct, std::span<const T> events);

  // The shortest ways: see publisher_ways.hpp. False: nothing was done.
  template <class T, class... Args>
  [[gnu::always_inline]] bool go_direct(const Atomic<std::uint64_t>& direct, Args&&... args);
  template <class T, class... Args>
  [[gnu::always_inline]] bool go_by_key(DirectWay way, Args&&... args);
  template <class T, class... Args>
  [[gnu::always_inline]] bool put_shortly(PublisherLane& to, FrameKind kind, Args&&... args);
  // Whether a frame should stay open for more events of its kind: they stream, or the worker does not keep up.
  [[nodiscard]] bool goes_on(PublisherLane& to) const noexcept {
    return pace_.streams() || to.lane.producer().reader_lagged();
  }

  // An event that is not taken stays with the caller: it is moved from only when nothing can fail any more.
  template <class T, class U>
  PublishResult put(const TopicNode& topic, U&& event) {
    if (closed_.load(std::memory_order_relaxed)) [[unlikely]] {  // C2 <- C1
      return {PublishStatus::closed, 0};
    }
    const Route& route = *topic.route.load(std::memory_order_acquire);  // T2 <- T1
    if (const Target* target = one_target(route, topic, event)) [[likely]] {
      PublisherLane& to = *lanes_[target->worker];
      if (void* place = claim(to, target->entry->kind, 1)) [[likely]] {
        std::construct_at(static_cast<T*>(place), std::forward<U>(event));
        commit(to);
        return {PublishStatus::published, 1};
      }
    }
    if constexpr (std::is_lvalue_reference_v<U> || std::is_const_v<std::remove_reference_t<U>>) {
      T copy(event);
      return publish_slowly(route, topic, &copy);
    } else {
      return publish_slowly(route, topic, &event);
    }
  }

  // Begins a frame on the direct way; its place is in place_. Null: there is no direct way, or no room.
  PublisherLane* begin_frame(const TopicNode& topic) noexcept {
    const DirectWay way(topic.direct.load(std::memory_order_acquire));  // T2 <- T1
    if (!way || way.goes_by_key()) return nullptr;
    if (closed_.load(std::memory_order_relaxed)) return nullptr;  // C2 <- C1
    PublisherLane& to = *lanes_[way.worker()];
    place_ = claim(to, way.kind(), 1);
    return place_ == nullptr ? nullptr : &to;
  }

  template <class T>
  const TopicNode& typed_topic() {
    const EventTypeId type = event_type_id_if_known<T>();
    if (type < typed_topics_.size() && typed_topics_[type] != nullptr) [[likely]]
      return *typed_topics_[type];
    return learn_typed_topic(event_ops<T>(), event_topic<T>());
  }
  const TopicNode& learn_typed_topic(const EventOps& ops, std::string_view name);
  PublishStatus find_topic(const EventOps& ops, std::string_view name, const TopicNode*& node);

  template <class T>
  const Target* one_target(const Route& route, const TopicNode& topic, const T& event) const noexcept {
    if (route.shape == Route::Shape::single) [[likely]]
      return &route.fixed.front();
    if (route.shape == Route::Shape::sharded) {
      return &route.shard(route.sharded.front(), has_event_key<T>() ? event_key_hash(event) : topic.key_hash);
    }
    return nullptr;
  }

  // A run of one kind may go on in an open frame; where kinds alternate an open frame would only have to be
  // closed.
  void* claim(PublisherLane& to, FrameKind kind, std::uint32_t count) noexcept {
    if (to.spilling) [[unlikely]]
      return nullptr;
    auto& lane = to.lane.producer();
    if (lane.try_extend(kind, count, kind.stride_bytes())) return lane.try_claim(kind, count);
    const std::uint64_t stamp = pace_.begin_frame(std::max(lane.open_run(), 1U));
    const bool open = kind == to.last_kind && goes_on(to);
    to.last_kind = kind;
    return lane.try_claim_stamped(kind, count, open ? Lane::Run::open : Lane::Run::closed,
                                  HEADRACE_TELEMETRY ? stamp : 0);
  }
  void commit(PublisherLane& to) noexcept {
    to.lane.producer().commit();
    ring_if_dozing(to);
  }
  [[gnu::always_inline]] void ring_if_dozing(PublisherLane& to) noexcept {
    if (to.doze.was_begun()) [[unlikely]]
      ring(to);
  }
  void ring(PublisherLane& to) noexcept;

  // The rest of the ways of an event: several targets, boxed events, full lanes.
  enum class Step : std::uint8_t { enter, queue, conflate, drop };
  struct Plan {
    const Target* target;
    Step step;
  };
  PublishResult publish_slowly(const Route& route, const TopicNode& topic, void* event);
  /// A worker that waited for room might wait for itself.
  [[nodiscard]] bool must_not_block() const noexcept;
  PublishStatus plan_target(const Target& target, std::uint64_t key_hash);
  PublishStatus plan_balanced(const Route& route);
  PublishStatus wait_for_room(PublisherLane& to, std::uint64_t bytes, std::chrono::nanoseconds deadline);
  bool has_room(PublisherLane& to, std::uint64_t bytes) noexcept;
  void note_fill(PublisherLane& to) noexcept;
  void hear_watermarks();
  OverflowQueue& queue_of(PublisherLane& to);
  void enqueue(const Plan& plan, std::uint64_t key_hash, SharedEvent* event);
  void push_balanced(const Route& route, const EventOps& ops, const void* event, SharedEvent* shared);
  void enter(const Target& target, void* event);

  Dispatcher& dispatcher_;
  const std::uint32_t index_;
  const Owner owner_;
  RouteReader reader_;
  Atomic<bool> closed_{false};                         // writer: the Dispatcher
  std::vector<std::unique_ptr<PublisherLane>> lanes_;  ///< by worker
  // By event type. Looked up for each event: a size known beforehand is compared without being read.
  std::array<const TopicNode*, TopicTable::kEventTypesMax> typed_topics_{};
  std::mutex heard_mutex_;
  std::function<void(const Watermark&)> heard_;  // behind heard_mutex_
  bool is_heard_ = false;                        ///< by it, or by the program
  const bool counts_flow_;
  NumberedCounters* published_by_ = &published;
  std::vector<Plan> plan_;  ///< scratch of publish_slowly
  std::uint64_t balanced_turn_ = 0;
  std::optional<MpmcRing<BalancedEvent>::Producer> balanced_;
  Pace pace_;              // made by the constructor: by the clock, or repeatable
  void* place_ = nullptr;  ///< between begin_frame and commit
  [[no_unique_address]] OneAtATime user_;
};

}  // namespace headrace

#include "headrace/dispatch/publisher_ways.hpp"
