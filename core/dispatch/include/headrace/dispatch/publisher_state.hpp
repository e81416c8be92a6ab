#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "headrace/base/clock.hpp"
#include "headrace/dispatch/balanced_event.hpp"
#include "headrace/dispatch/publish_result.hpp"
#include "headrace/dispatch/publisher_lane.hpp"
#include "headrace/dispatch/routes.hpp"
#include "headrace/event/event_traits.hpp"
#include "headrace/ring/mpmc_ring.hpp"
#include "headrace/route/quiescence.hpp"
#include "headrace/telemetry/adaptive_stamp.hpp"
#include "headrace/telemetry/counter.hpp"

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
    const Reading reading(*this);
    if (closed_.load(std::memory_order_relaxed)) [[unlikely]] {  // C2 <- C1
      return {PublishStatus::closed, 0};
    }
    const Route& route = *topic.route.load(std::memory_order_acquire);  // T2 <- T1
    return put<T>(route, topic, std::forward<U>(event));
  }

  template <class T, class... Args>
  PublishResult emplace_to(const TopicNode& topic, Args&&... args) {
    const Reading reading(*this);
    if (closed_.load(std::memory_order_relaxed)) [[unlikely]] {  // C2 <- C1
      return {PublishStatus::closed, 0};
    }
    const Route& route = *topic.route.load(std::memory_order_acquire);  // T2 <- T1
    if (route.shape == Route::Shape::single) [[likely]] {
      const Target& target = route.fixed.front();
      PublisherLane& to = *lanes_[target.worker];
      if (void* place = claim(to, *target.entry, 1)) [[likely]] {
        std::construct_at(static_cast<T*>(place), std::forward<Args>(args)...);
        commit(to, route.deliveries);
        return {PublishStatus::published, 1};
      }
    }
    return put<T>(route, topic, T(std::forward<Args>(args)...));
  }

  template <Event T>
  PublishResult publish_span(const TopicNode& topic, std::span<const T> events);

  /// Ledger columns, readable by anyone.
  SingleWriterCounter published;
  SingleWriterCounter unrouted;
  SingleWriterCounter dropped;
  SingleWriterCounter balanced_entered;

  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
  [[nodiscard]] Owner owner() const noexcept { return owner_; }
  [[nodiscard]] const RouteReader& reader() const noexcept { return reader_; }
  [[nodiscard]] const std::vector<std::unique_ptr<PublisherLane>>& lanes() const noexcept { return lanes_; }

  /// @thread any
  void close() noexcept {
    closed_.store(true, std::memory_order_relaxed);  // C1 -> C2
  }
  void reopen() noexcept {
    closed_.store(false, std::memory_order_relaxed);  // no partner: the handle is given out afterwards
  }

  /// Debug builds abort when a second thread uses the handle.
  void bind_to_this_thread() noexcept;
  void unbind() noexcept;

 private:
  friend class Dispatcher;

  struct Reading {
    explicit Reading(PublisherState& state) noexcept : reader(state.reader_) { reader.enter(); }
    ~Reading() { reader.leave(); }
    RouteReader& reader;
  };

  // An event that is not taken stays with the caller: it is moved from only when nothing can fail any more.
  template <class T, class U>
  PublishResult put(const Route& route, const TopicNode& topic, U&& event) {
    if (const Target* target = one_target(route, topic, event)) [[likely]] {
      PublisherLane& to = *lanes_[target->worker];
      if (void* place = claim(to, *target->entry, 1)) [[likely]] {
        std::construct_at(static_cast<T*>(place), std::forward<U>(event));
        commit(to, route.deliveries);
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

  template <class T>
  const TopicNode& typed_topic() {
    const EventTypeId type = event_type_id<T>();
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

  static constexpr std::uint32_t kStreaming = 16;  ///< of the stamp's interval: an event each 60 ns or faster

  // Stamps are dense while events are rare: then a frame is closed at once, so that its header and its events
  // cross together; while events stream frames stay open and gather runs.
  [[gnu::always_inline]] void* claim(PublisherLane& to, const DispatchEntry& entry, std::uint32_t count) noexcept {
    if (to.spilling) [[unlikely]] return nullptr;
    std::uint64_t stamp = 0;
#if HEADRACE_TELEMETRY
    if (stamp_.due()) [[unlikely]] {
      stamp = cycles();
      stamp_.stamped(stamp);
    }
#endif
    return to.lane.producer().try_claim_stamped(
        entry.kind, count, stamp_.interval() >= kStreaming ? Lane::Run::open : Lane::Run::closed, stamp);
  }
  void commit(PublisherLane& to, std::uint32_t deliveries) noexcept {
    to.lane.producer().commit();
    published.add(deliveries);
    to.entered.add(deliveries);
    ring_if_dozing(to);
  }
  void ring_if_dozing(PublisherLane& to) noexcept {
    asymmetric_fence_light();  // F1 <-> F2
    if (to.dozing.load(std::memory_order_relaxed)) [[unlikely]]
      ring(to);  // D2 <- D1
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
  std::vector<const TopicNode*> typed_topics_;         ///< by event type
  std::vector<Plan> plan_;                             ///< scratch of publish_slowly
  std::uint64_t balanced_turn_ = 0;
  std::optional<MpmcRing<BalancedEvent>::Producer> balanced_;
  AdaptiveStamp stamp_;
#if !defined(NDEBUG)
  std::thread::id thread_{};
#endif
};

template <Event T>
PublishResult PublisherState::publish_span(const TopicNode& topic, std::span<const T> events) {
  const Reading reading(*this);
  if (closed_.load(std::memory_order_relaxed)) [[unlikely]] {  // C2 <- C1
    return {PublishStatus::closed, 0};
  }
  const Route& route = *topic.route.load(std::memory_order_acquire);  // T2 <- T1
  std::uint32_t done = 0;
  const auto total = static_cast<std::uint32_t>(events.size());
  PublishStatus worst = PublishStatus::published;
  while (done < total) {
    if (route.shape == Route::Shape::single) {
      const Target& target = route.fixed.front();
      PublisherLane& to = *lanes_[target.worker];
      const auto run = static_cast<std::uint32_t>(
          std::min<std::uint64_t>({total - done, to.lane.frame_bytes_max() / sizeof(T), FrameWord::kCountMax}));
      if (void* place = claim(to, *target.entry, run)) {
        std::memcpy(place, events.data() + done, run * sizeof(T));
        commit(to, route.deliveries * run);
        done += run;
        continue;
      }
    } else if (route.shape == Route::Shape::sharded) {
      const Target& target = *one_target(route, topic, events[done]);
      PublisherLane& to = *lanes_[target.worker];
      if (void* place = claim(to, *target.entry, 1)) {
        std::construct_at(static_cast<T*>(place), events[done]);
        commit(to, route.deliveries);
        ++done;
        continue;
      }
    }
    T copy = events[done];
    const PublishResult one = publish_slowly(route, topic, &copy);
    if (!one) return {one.status(), done};
    worst = std::max(worst, one.status());
    ++done;
  }
  return {worst, done};
}

}  // namespace headrace
