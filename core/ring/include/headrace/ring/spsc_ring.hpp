#pragma once

#include <algorithm>
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
#include "headrace/base/hints.hpp"
#include "headrace/ring/push_result.hpp"
#include "headrace/ring/slot_array.hpp"
#include "headrace/ring/spsc_group.hpp"
#include "headrace/ring/stream_lag.hpp"

namespace headrace {

/// Bounded single-producer, single-consumer ring whose commit travels with the data: for events one at a time.
///
/// Slots lie in groups with one header word each (SpscGroup): seven 8-byte events and their header are a cache
/// line. The producer writes the event and then the header, and the consumer polls the header of the group it
/// stands at, so that a hand-over moves one line and no shared index. Batches work but are cut at groups:
/// SpscSpanRing is made for those.
///
/// Threads:   one Producer, one Consumer; move-only handles, one of each out at a time. The ring outlives them.
/// Progress:  everything wait-free.   Allocates: constructor only.
/// Limits:    any capacity, rounded up to whole groups; group numbers never wrap (2^58).
/// Full:      the consumer returns groups by the eighth of the ring, so `full` may be answered while up to an
///            eighth (at least one group) is vacant. A consumer that finds the ring empty returns all of them.
/// Lag:       a consumer that has caught up with a stream waits once, about a microsecond, before it answers that
///            there is nothing (StreamLag), unless it was made with Lag::none. One that waits for single events
///            never does.
/// Invariant: I1  a header is 64 * number + count, and says that the first count slots of its group are live in
///                the numbered lap; it only grows, so a stale lap reads as less, never as more
///            I2  the producer writes a group only after head has passed its previous lap
/// Ordering:  P1 -> C1  consumer sees the built events
///            C2 -> P2  producer sees the group vacated
template <class T, std::size_t group_slots = kSpscGroupSlots<T>>
class SpscRing {
  static_assert(1 <= group_slots && group_slots <= 63, "the count has six bits of the header");
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);

  using Group = SpscGroup<T, group_slots>;

  // A position is a header's value. Numbers start at 1, so that a fresh header reads as stale.
  static constexpr std::uint64_t kStep = 64;
  static constexpr std::uint64_t count_of(std::uint64_t position) noexcept { return position % kStep; }
  static constexpr std::uint64_t start_of(std::uint64_t position) noexcept {
    return position - count_of(position);
  }

 public:
  class Producer;
  class Consumer;

  explicit SpscRing(std::size_t capacity_slots)
      : groups_(groups_for(capacity_slots)),
        span_(groups_.size() * kStep),
        credit_(std::max(kStep, span_ / 8)),
        write_ahead_(std::min(kWriteAhead, groups_.size() / 2)),
        read_ahead_(std::min(kReadAhead, groups_.size() / 3)) {}
  ~SpscRing() {
    HEADRACE_CHECK("spsc.handles", !producer_out_ && !consumer_out_, "a ring must outlive its handles");
    if constexpr (!std::is_trivially_destructible_v<T>) {
      Consumer last = consumer();
      while (last.consume(group_slots, [](T&&) {}) > 0) {
      }
    }
  }
  SpscRing(const SpscRing&) = delete;
  SpscRing& operator=(const SpscRing&) = delete;

  /// One out at a time; a role given back may be taken again, by a thread that the caller has synchronised.
  /// @thread startup  @alloc none
  [[nodiscard]] Producer producer() noexcept {
    HEADRACE_CHECK("spsc.producer", !std::exchange(producer_out_, true), "there is one producer");
    return Producer{*this};
  }
  [[nodiscard]] Consumer consumer(Lag lag = Lag::adaptive) noexcept {
    HEADRACE_CHECK("spsc.consumer", !std::exchange(consumer_out_, true), "there is one consumer");
    return Consumer{*this, lag};
  }

  [[nodiscard]] std::size_t capacity_slots() const noexcept { return groups_.size() * group_slots; }

 private:
  // Where a group is a line, lines are asked for ahead: by the producer when they are known to be vacated, by the
  // consumer when its stream has filled the present one. Bigger groups gained nothing by it. Far enough that a line
  // which takes 200 ns is there in time when events come every 3 ns.
  static constexpr bool kPrefetches = group_slots > 1 && sizeof(Group) == kCacheLineBytes;
  static constexpr std::size_t kWriteAhead = 64;
  static constexpr std::size_t kReadAhead = 48;
  [[nodiscard]] static std::size_t groups_for(std::size_t capacity_slots) noexcept {
    HEADRACE_CHECK("spsc.capacity", capacity_slots > 0, "capacity_slots must not be zero");
    return (capacity_slots + group_slots - 1) / group_slots;
  }
  [[nodiscard]] Group* group_at(std::uint64_t position) noexcept {
    return groups_.data() + (position / kStep - 1) % groups_.size();
  }
  [[nodiscard]] Group* after(Group* group, std::size_t distance = 1) noexcept {
    const auto left = static_cast<std::size_t>(groups_.data() + groups_.size() - group);
    return distance < left ? group + distance : groups_.data() + (distance - left);
  }

  SlotArray<Group> groups_;
  const std::uint64_t span_;       ///< the ring, in positions
  const std::uint64_t credit_;     ///< how far the consumer goes before it returns groups, in positions
  const std::size_t write_ahead_;  ///< in groups
  const std::size_t read_ahead_;   ///< in groups
  // Where the roles stand while no handle is out. Written at startup and when a handle is given back.
  std::uint64_t producer_position_ = kStep;
  std::uint64_t consumer_position_ = kStep;
  bool producer_out_ = false;
  bool consumer_out_ = false;
  // Written by the consumer: every group before this position is vacated.
  alignas(kNoSharingBytes) Atomic<std::uint64_t> head_{kStep};
};

template <class T, std::size_t group_slots>
class SpscRing<T, group_slots>::Producer {
 public:
  Producer(Producer&& other) noexcept
      : ring_(std::exchange(other.ring_, nullptr)),
        group_(other.group_),
        position_(other.position_),
        head_seen_(other.head_seen_) {}
  Producer& operator=(Producer&&) = delete;
  ~Producer() {
    if (ring_ == nullptr) return;
    ring_->producer_position_ = position_;
    ring_->producer_out_ = false;
  }

  /// @thread producer  @progress wait-free  @alloc none
  template <class... Args>
  [[nodiscard]] PushResult try_emplace(Args&&... args) {
    if (!has_room()) return PushResult::full;
    group_->slots[count_of(position_)].construct(std::forward<Args>(args)...);
    publish(1);
    return PushResult::pushed;
  }
  [[nodiscard]] PushResult try_push(const T& event) { return try_emplace(event); }
  [[nodiscard]] PushResult try_push(T&& event) { return try_emplace(std::move(event)); }

  /// Pushes make(0), make(1), … up to `count`, as many as fit, published a group at a time: how many.
  template <class Make>
  [[nodiscard]] std::size_t try_emplace_n(std::size_t count, Make&& make) {
    std::size_t done = 0;
    while (done < count && has_room()) {
      const std::size_t run = std::min<std::size_t>(count - done, group_slots - count_of(position_));
      Cell<T>* slot = group_->slots + count_of(position_);
      for (std::size_t i = 0; i < run; ++i) slot[i].construct(make(done + i));
      publish(run);
      done += run;
    }
    return done;
  }
  /// Pushes the first events that fit: how many.
  [[nodiscard]] std::size_t try_push(std::span<const T> events) {
    return try_emplace_n(events.size(), [&](std::size_t i) -> const T& { return events[i]; });
  }

  /// Up to `wanted` slots to be filled in place, then committed: fewer at a group's end, none when full. Only for a
  /// trivially copyable T, whose slots hold no object before; any other is pushed or emplaced.
  [[nodiscard]] std::span<T> claim(std::size_t wanted) noexcept requires std::is_trivially_copyable_v<T> {
    if (!has_room()) return {};
    const std::size_t run = std::min<std::size_t>(wanted, group_slots - count_of(position_));
    return {group_->slots[count_of(position_)].address(), run};
  }
  /// Publishes the first `count` of the slots claimed last.
  void commit(std::size_t count) noexcept {
    HEADRACE_DCHECK("spsc.commit", count <= group_slots - count_of(position_), "more committed than claimed");
    if (count > 0) publish(count);
  }

 private:
  friend SpscRing;

  explicit Producer(SpscRing& ring) noexcept
      : ring_(&ring),
        group_(ring.group_at(ring.producer_position_)),
        position_(ring.producer_position_),
        head_seen_(ring.head_.load(std::memory_order_acquire)) {}  // P2 <- C2

  [[nodiscard]] bool has_room() noexcept { return count_of(position_) != 0 || open_group(); }
  [[nodiscard]] bool open_group() noexcept {
    if (position_ - head_seen_ >= ring_->span_) {
      head_seen_ = ring_->head_.load(std::memory_order_acquire);  // P2 <- C2
      if (position_ - head_seen_ >= ring_->span_) return false;
    }
    if constexpr (kPrefetches) {
      if (position_ + ring_->write_ahead_ * kStep - head_seen_ < ring_->span_) {
        prefetch_for_write(ring_->after(group_, ring_->write_ahead_));
      }
    }
    return true;
  }
  void publish(std::size_t count) noexcept {
    position_ += count;
    group_->header.store(position_, std::memory_order_release);  // P1 -> C1
    if (count_of(position_) == group_slots) {
      position_ = start_of(position_) + kStep;
      group_ = ring_->after(group_);
    }
  }

  SpscRing* ring_;
  Group* group_;
  std::uint64_t position_;
  std::uint64_t head_seen_;
};

template <class T, std::size_t group_slots>
class SpscRing<T, group_slots>::Consumer {
 public:
  Consumer(Consumer&& other) noexcept
      : ring_(std::exchange(other.ring_, nullptr)),
        group_(other.group_),
        position_(other.position_),
        header_seen_(other.header_seen_),
        head_given_(other.head_given_),
        lag_(other.lag_) {}
  Consumer& operator=(Consumer&&) = delete;
  ~Consumer() {
    if (ring_ == nullptr) return;
    ring_->consumer_position_ = position_;
    ring_->consumer_out_ = false;
  }

  /// @thread consumer  @progress wait-free  @alloc none
  [[nodiscard]] std::optional<T> try_pop() noexcept {
    std::optional<T> event;
    if (available() == 0) return event;
    T& slot = group_->slots[count_of(position_)].get();
    event.emplace(std::move(slot));
    release(1);
    return event;
  }
  [[nodiscard]] bool try_pop(T& event) noexcept {
    if (available() == 0) return false;
    event = std::move(group_->slots[count_of(position_)].get());
    release(1);
    return true;
  }

  /// Calls handle(T&&) for up to `max` events in place: how many. handle must not throw.
  template <class Handle>
  std::size_t consume(std::size_t max, Handle&& handle) noexcept {
    std::size_t done = 0;
    while (done < max) {
      const std::size_t run = std::min(max - done, available());
      if (run == 0) break;
      Cell<T>* slot = group_->slots + count_of(position_);
      for (std::size_t i = 0; i < run; ++i) handle(std::move(slot[i].get()));
      release(run);
      done += run;
    }
    return done;
  }

  /// The events at hand that lie together, in place, at most a group; empty when there is none.
  [[nodiscard]] std::span<T> readable() noexcept {
    const std::size_t run = available();
    if (run == 0) return {};
    return {&group_->slots[count_of(position_)].get(), run};
  }
  /// Destroys and vacates the first `count` events of readable().
  void release(std::size_t count) noexcept {
    HEADRACE_DCHECK("spsc.release", count <= header_seen_ - position_, "more released than readable");
    Cell<T>* slot = group_->slots + count_of(position_);
    for (std::size_t i = 0; i < count; ++i) slot[i].destroy();
    position_ += count;
    if (count_of(position_) != group_slots) return;
    position_ = start_of(position_) + kStep;
    header_seen_ = position_;
    group_ = ring_->after(group_);
    if (position_ - head_given_ >= ring_->credit_) give_back();
  }
  [[nodiscard]] bool was_empty() noexcept { return available() == 0; }

 private:
  friend SpscRing;
  Consumer(SpscRing& ring, Lag lag) noexcept
      : ring_(&ring),
        group_(ring.group_at(ring.consumer_position_)),
        position_(ring.consumer_position_),
        header_seen_(ring.consumer_position_),
        head_given_(ring.head_.load(std::memory_order_relaxed)),  // no partner: own word
        lag_(lag) {}

  /// How many events of this group are at hand.
  [[nodiscard]] std::size_t available() noexcept {
    if (header_seen_ == position_ && !look() && !(lag() && look())) {
      give_back();
      return 0;
    }
    return header_seen_ - position_;
  }
  [[nodiscard]] bool look() noexcept {
    const auto header = group_->header.load(std::memory_order_acquire);  // C1 <- P1
    if (header <= position_) return false;
    if constexpr (kPrefetches) {
      if (header - position_ == group_slots) prefetch_for_read(ring_->after(group_, ring_->read_ahead_));
    }
    header_seen_ = header;
    return true;
  }
  [[nodiscard]] bool lag() noexcept {
    return lag_.after_miss(position_ / kStep * group_slots + count_of(position_));
  }
  void give_back() noexcept {
    const std::uint64_t vacated = start_of(position_);
    if (head_given_ == vacated) return;
    head_given_ = vacated;
    ring_->head_.store(vacated, std::memory_order_release);  // C2 -> P2
  }

  SpscRing* ring_;
  Group* group_;
  std::uint64_t position_;     ///< the next event to take
  std::uint64_t header_seen_;  ///< how far this group is known to be filled
  std::uint64_t head_given_;
  StreamLag lag_;
};

}  // namespace headrace
