#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "headrace/base/atomic.hpp"
#include "headrace/base/cache_line.hpp"
#include "headrace/base/check.hpp"
#include "headrace/ring/push_result.hpp"
#include "headrace/ring/shared_lane.hpp"
#include "headrace/ring/slot_array.hpp"
#include "headrace/ring/stream_lag.hpp"
#include "headrace/ring/word_slot.hpp"

namespace headrace {

struct MpmcRingOptions {
  std::size_t lane_capacity_slots = 1024;  ///< of each producer's lane; a power of two
  std::size_t producers_max = 64;          ///< lanes; each allocates its slots when a producer first takes it
};

/// Bounded ring for any number of consumers and up to producers_max producers.
///
/// Threads:   one Producer a thread, one Consumer a thread; both move-only, both given back by their destructors.
/// Progress:  try_push wait-free. try_pop lock-free, and strictly so: a thread stopped anywhere, for ever, stops
///            nobody else. Its argument: every producer has a lane of its own (SharedLane), in which consumers
///            copy before they claim; so no thread ever owns a slot, a ticket or a lock that another one needs.
///            A stopped producer withholds the events that it has not published, and holds its lane.
/// Order:     events of one Producer are claimed in the order pushed. None across producers.
/// Allocates: constructor; producer() on a fresh lane; a box an event for a T that is not trivially copyable.
/// Empty:     try_pop says so when it has seen each lane empty, one after another, not all at one time.
/// Lag:       an end that has caught up with a stream waits once, about a microsecond, before it answers "full" or
///            "empty" (StreamLag), unless it was made with Lag::none.
/// Fair:      a consumer leaves a lane for the next one after kTurn events, so that no lane starves.
///
/// Rejected: one ring of slots with sequence numbers (Vyukov) is as fast, but a producer stopped between claim and
/// publish stops all consumers; SCQ (Nikolaev, DISC 2019) does not, and costs five to ten times as much.
template <class T, class StallPoints = NoStallPoints>
class MpmcRing {
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);
  using Lane = SharedLane<T, StallPoints>;
  using Slot = WordSlot<T>;

 public:
  /// Events that a consumer takes from one lane before it looks at the next.
  static constexpr std::size_t kTurn = 256;

  class Producer;
  class Consumer;

  explicit MpmcRing(MpmcRingOptions options) : options_(options), lanes_(options.producers_max) {
    HEADRACE_CHECK("mpmc.capacity", std::has_single_bit(options.lane_capacity_slots),
                   "lane_capacity_slots must be a power of two");
    HEADRACE_CHECK("mpmc.producers", options.producers_max > 0, "producers_max must not be zero");
  }
  MpmcRing(const MpmcRing&) = delete;
  MpmcRing& operator=(const MpmcRing&) = delete;

  /// Nothing if producers_max producers are out. A lane given back keeps its unread events and serves again.
  /// @thread any  @progress wait-free, O(producers_max)  @alloc the slots of a fresh lane
  [[nodiscard]] std::optional<Producer> producer(Lag lag = Lag::adaptive) {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      Lane& lane = lanes_.data()[i];
      if (!lane.try_own(options_.lane_capacity_slots)) continue;
      // No partner in all three: how far to look is a hint; what a lane holds is published by its own tail.
      auto used = lanes_used_.load(std::memory_order_relaxed);
      while (used <= i && !lanes_used_.compare_exchange_weak(used, i + 1, std::memory_order_relaxed,
                                                             std::memory_order_relaxed)) {
      }
      return Producer{lane, options_.lane_capacity_slots, lag};
    }
    return std::nullopt;
  }

  /// @thread any  @progress wait-free  @alloc none
  [[nodiscard]] Consumer consumer(Lag lag = Lag::adaptive) noexcept {
    return Consumer{*this, consumers_.fetch_add(1, std::memory_order_relaxed),
                    lag};  // no partner: spreads them out
  }

  /// @thread any
  [[nodiscard]] std::size_t size_approx() const noexcept {
    std::size_t size = 0;
    for (std::size_t i = 0; i < lanes_used(); ++i) size += lanes_.data()[i].size_approx();
    return size;
  }
  [[nodiscard]] bool was_empty() const noexcept { return size_approx() == 0; }

 private:
  [[nodiscard]] std::size_t lanes_used() const noexcept {
    return lanes_used_.load(std::memory_order_relaxed);  // no partner: a hint, see producer()
  }

  const MpmcRingOptions options_;
  SlotArray<Lane> lanes_;
  // Written by producer(): one past the highest lane ever taken. Consumers read it when their lane is empty.
  alignas(kNoSharingBytes) Atomic<std::size_t> lanes_used_{0};
  Atomic<std::size_t> consumers_{0};
};

template <class T, class StallPoints>
class MpmcRing<T, StallPoints>::Producer {
 public:
  Producer(Producer&& other) noexcept : writer_(std::exchange(other.writer_, {})) {}
  Producer& operator=(Producer&& other) noexcept {
    std::swap(writer_, other.writer_);
    return *this;
  }
  ~Producer() {
    if (writer_.lane() != nullptr) writer_.lane()->disown();
  }

  /// @thread producer  @progress wait-free  @alloc a box, if T is not trivially copyable
  template <class... Args>
  [[nodiscard]] PushResult try_emplace(Args&&... args) {
    if (writer_.room(1) == 0) return PushResult::full;
    writer_.write(0, std::forward<Args>(args)...);
    writer_.publish(1);
    return PushResult::pushed;
  }
  [[nodiscard]] PushResult try_push(const T& event) { return try_emplace(event); }
  [[nodiscard]] PushResult try_push(T&& event) { return try_emplace(std::move(event)); }

  /// How many of `wanted` events are sure to fit now. Room once seen never shrinks.
  [[nodiscard]] std::size_t room(std::size_t wanted) noexcept { return writer_.room(wanted); }

  /// Pushes the first events that fit, published at once: how many.
  [[nodiscard]] std::size_t try_push(std::span<const T> events) {
    return try_emplace_n(events.size(), [&](std::size_t i) -> const T& { return events[i]; });
  }

  /// Pushes make(0), make(1), … up to `count`, as many as fit, published at once: how many.
  template <class Make>
  [[nodiscard]] std::size_t try_emplace_n(std::size_t count, Make&& make) {
    const std::size_t fit = writer_.room(count);
    if (fit == 0) return 0;
    for (std::size_t i = 0; i < fit; ++i) writer_.write(i, make(i));
    writer_.publish(fit);
    return fit;
  }

 private:
  friend MpmcRing;
  Producer(Lane& lane, std::size_t capacity, Lag lag) noexcept : writer_(lane, capacity, lag) {}

  typename Lane::Writer writer_;
};

template <class T, class StallPoints>
class MpmcRing<T, StallPoints>::Consumer {
 public:
  Consumer(Consumer&&) noexcept = default;
  Consumer& operator=(Consumer&&) noexcept = default;

  /// @thread consumer  @progress lock-free  @alloc none
  [[nodiscard]] std::optional<T> try_pop() noexcept {
    std::optional<T> event;
    typename Slot::Words words;
    if (take(1, [&](std::size_t, const auto& copy) { words = copy; }) != 0) event.emplace(Slot::open(words));
    return event;
  }
  [[nodiscard]] bool try_pop(T& event) noexcept {
    typename Slot::Words words;
    if (take(1, [&](std::size_t, const auto& copy) { words = copy; }) == 0) return false;
    event = Slot::open(words);
    return true;
  }

  /// Pops up to events.size() events of one lane: how many. What lies behind them in `events` is unspecified.
  [[nodiscard]] std::size_t try_pop(std::span<T> events) noexcept {
    return consume(events.size(), [out = events.data()](T&& event) mutable { *out++ = std::move(event); });
  }

  /// Calls handle(T&&) for up to `max` events of one lane, all claimed by one CAS before: how many. It must not
  /// throw. No more than kTurn events, or 4 KiB of them, at a time.
  template <class Handle>
  std::size_t consume(std::size_t max, Handle&& handle) noexcept {
    std::array<typename Slot::Words, kChunk> words;
    const std::size_t count =
        take(max < kChunk ? max : kChunk, [&](std::size_t i, const auto& copy) { words[i] = copy; });
    for (std::size_t i = 0; i < count; ++i) handle(Slot::open(words[i]));
    return count;
  }

 private:
  friend MpmcRing;
  static constexpr std::size_t kChunk = [] {
    constexpr std::size_t fit = 4096 / (Slot::kWords * sizeof(std::uint64_t));
    return fit < 1 ? 1 : fit < kTurn ? fit : kTurn;
  }();

  Consumer(MpmcRing& ring, std::size_t ordinal, Lag lag) noexcept
      : ring_(&ring), lane_index_(ordinal), lag_(lag) {}

  template <class Store>
  std::size_t take(std::size_t max, Store&& store) noexcept {
    if (turn_left_ > 0) {
      const std::size_t count = lane_->take(max, tail_seen_, store);
      if (count > 0) {
        turn_left_ -= count < turn_left_ ? count : turn_left_;
        taken_ += count;
        return count;
      }
    }
    std::size_t count = take_from_next(max, store);
    if (count == 0 && lag_.after_miss(taken_)) count = take_from_next(max, store);
    taken_ += count;
    return count;
  }

  template <class Store>
  [[gnu::noinline]] std::size_t take_from_next(std::size_t max, Store&& store) noexcept {
    const std::size_t lanes = ring_->lanes_used();
    for (std::size_t step = 0; step < lanes; ++step) {
      lane_index_ = lane_index_ + 1 < lanes ? lane_index_ + 1 : 0;
      lane_ = ring_->lanes_.data() + lane_index_;
      tail_seen_ = 0;
      const std::size_t count = lane_->take(max, tail_seen_, store);
      if (count > 0) {
        turn_left_ = kTurn - (count < kTurn ? count : kTurn);
        return count;
      }
    }
    turn_left_ = 0;
    return 0;
  }

  MpmcRing* ring_;
  Lane* lane_ = nullptr;
  std::size_t lane_index_;
  std::uint64_t tail_seen_ = 0;  ///< of lane_
  std::uint64_t taken_ = 0;
  StreamLag lag_;
  std::size_t turn_left_ = 0;  ///< events until the next lane is asked; zero also when lane_ is none
};

}  // namespace headrace
