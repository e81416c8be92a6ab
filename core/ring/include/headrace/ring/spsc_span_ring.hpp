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
#include "headrace/ring/bulk_copy.hpp"
#include "headrace/ring/push_result.hpp"
#include "headrace/ring/slot_array.hpp"

namespace headrace {

struct SpscSpanRingOptions {
  std::size_t capacity_slots = 1024;  ///< a power of two
  Handover handover = Handover::automatic;
};

/// Bounded single-producer, single-consumer ring of contiguous slots: for events in batches.
///
/// A batch is one copy and one release store of the tail, and the consumer reads it in place as a span that ends
/// only with the ring's memory. Its price is a shared index: for events one at a time SpscRing is faster, most of
/// all between cores that share no cache.
///
/// Threads:   one Producer, one Consumer; move-only handles, one of each out at a time. The ring outlives them.
/// Progress:  everything wait-free.   Allocates: constructor only.
/// Limits:    capacity_slots a power of two; indices never wrap (2^64).
/// Full:      the consumer returns slots by the eighth of the ring, so `full` may be answered while up to an
///            eighth is vacant. A consumer that finds the ring empty returns all of them.
/// Invariant: I1  tail - head <= capacity_slots
///            I2  the slots in [head, tail) that the consumer has not released hold a live T
/// Ordering:  P1 -> C1  consumer sees the built events
///            C2 -> P2  producer sees the slots vacated
///            C2 -> C3  who sees a head sees a tail at least as far
template <class T>
class SpscSpanRing {
  static_assert(std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>);

 public:
  class Producer;
  class Consumer;

  explicit SpscSpanRing(SpscSpanRingOptions options)
      : mask_(options.capacity_slots - 1), handover_(options.handover) {
    HEADRACE_CHECK("spsc_span.capacity", std::has_single_bit(options.capacity_slots),
                   "capacity_slots must be a power of two");
    slots_ = SlotArray<Cell<T>>(options.capacity_slots);
  }
  ~SpscSpanRing() {
    HEADRACE_CHECK("spsc_span.handles", !producer_out_ && !consumer_out_, "a ring must outlive its handles");
    if constexpr (!std::is_trivially_destructible_v<T>) {
      Consumer last = consumer();
      while (last.consume(capacity_slots(), [](T&&) {}) > 0) {
      }
    }
  }
  SpscSpanRing(const SpscSpanRing&) = delete;
  SpscSpanRing& operator=(const SpscSpanRing&) = delete;

  /// One out at a time; a role given back may be taken again, by a thread that the caller has synchronised.
  /// @thread startup  @alloc none
  [[nodiscard]] Producer producer() noexcept {
    HEADRACE_CHECK("spsc_span.producer", !std::exchange(producer_out_, true), "there is one producer");
    return Producer{*this};
  }
  [[nodiscard]] Consumer consumer() noexcept {
    HEADRACE_CHECK("spsc_span.consumer", !std::exchange(consumer_out_, true), "there is one consumer");
    return Consumer{*this};
  }

  [[nodiscard]] std::size_t capacity_slots() const noexcept { return mask_ + 1; }

  /// Counts what the consumer holds back as well: see Full.
  /// @thread any
  [[nodiscard]] std::size_t size_approx() const noexcept {
    const auto head = head_.load(std::memory_order_acquire);  // C3 <- C2
    return tail_.load(std::memory_order_relaxed) - head;      // no partner: a number, no event is read by it
  }

 private:
  /// The memory is an array of T, so that batches can be copied and seen as spans.
  static constexpr bool kContiguous = sizeof(Cell<T>) == sizeof(T);
  /// A block of whole lines must be small enough for the stack.
  static constexpr bool kBuildsNonTemporal =
      std::is_trivially_copyable_v<T> && kContiguous && kEventsAtATime<T> * sizeof(T) <= 4096;

  SlotArray<Cell<T>> slots_;
  const std::uint64_t mask_;
  const Handover handover_;
  // Where the consumer stands while its handle is not out. Written at startup and when handles are given back.
  std::uint64_t consumer_position_ = 0;
  bool producer_out_ = false;
  bool consumer_out_ = false;
  // Written by the producer.
  alignas(kNoSharingBytes) Atomic<std::uint64_t> tail_{0};
  // Written by the consumer.
  alignas(kNoSharingBytes) Atomic<std::uint64_t> head_{0};
};

template <class T>
class SpscSpanRing<T>::Producer {
 public:
  Producer(Producer&& other) noexcept
      : ring_(std::exchange(other.ring_, nullptr)), tail_(other.tail_), head_seen_(other.head_seen_) {}
  Producer& operator=(Producer&&) = delete;
  ~Producer() {
    if (ring_ != nullptr) ring_->producer_out_ = false;
  }

  /// @thread producer  @progress wait-free  @alloc none
  template <class... Args>
  [[nodiscard]] PushResult try_emplace(Args&&... args) {
    if (room(1) == 0) return PushResult::full;
    slot(tail_).construct(std::forward<Args>(args)...);
    publish(1);
    return PushResult::pushed;
  }
  [[nodiscard]] PushResult try_push(const T& event) { return try_emplace(event); }
  [[nodiscard]] PushResult try_push(T&& event) { return try_emplace(std::move(event)); }

  /// Pushes make(0), make(1), … up to `count`, as many as fit, published at once: how many. The fastest way of a big
  /// batch: nobody reads it but the consumer.
  template <class Make>
  [[nodiscard]] std::size_t try_emplace_n(std::size_t count, Make&& make) {
    const std::size_t fit = room(count);
    if (fit == 0) return 0;
    const std::size_t before_wrap = std::min<std::size_t>(fit, ring_->capacity_slots() - (tail_ & ring_->mask_));
    Cell<T>* to = &slot(tail_);
    if constexpr (kBuildsNonTemporal) {
      if (is_non_temporal(fit * sizeof(T), ring_->handover_)) {
        build_non_temporal(to->address(), 0, before_wrap, make);
        build_non_temporal(ring_->slots_.data()->address(), before_wrap, fit - before_wrap, make);
        non_temporal_fence();
        publish(fit);
        return fit;
      }
    }
    for (std::size_t i = 0; i < before_wrap; ++i) to[i].construct(make(i));
    to = ring_->slots_.data() - before_wrap;
    for (std::size_t i = before_wrap; i < fit; ++i) to[i].construct(make(i));
    publish(fit);
    return fit;
  }

  /// Pushes the first events that fit, published at once: how many.
  [[nodiscard]] std::size_t try_push(std::span<const T> events) {
    if constexpr (std::is_trivially_copyable_v<T> && kContiguous) {
      const std::size_t fit = room(events.size());
      if (fit == 0) return 0;
      const std::size_t before_wrap = std::min<std::size_t>(fit, ring_->capacity_slots() - (tail_ & ring_->mask_));
      copy_bulk(&slot(tail_), events.data(), before_wrap * sizeof(T), ring_->handover_);
      if (fit > before_wrap) {
        copy_bulk(ring_->slots_.data(), events.data() + before_wrap, (fit - before_wrap) * sizeof(T),
                  ring_->handover_);
      }
      publish(fit);
      return fit;
    } else {
      return try_emplace_n(events.size(), [&](std::size_t i) -> const T& { return events[i]; });
    }
  }

  /// Up to `wanted` slots to be filled in place, then committed: fewer at the ring's end, none when full. Only for a
  /// trivially copyable T, whose slots hold no object before; any other is pushed or emplaced.
  [[nodiscard]] std::span<T> claim(std::size_t wanted) noexcept requires std::is_trivially_copyable_v<T> {
    const std::size_t run = std::min<std::size_t>(room(wanted), ring_->capacity_slots() - (tail_ & ring_->mask_));
    return {slot(tail_).address(), run};
  }
  /// Publishes the first `count` of the slots claimed last.
  void commit(std::size_t count) noexcept {
    HEADRACE_DCHECK("spsc_span.commit", count <= ring_->capacity_slots() - (tail_ - head_seen_),
                    "more committed than claimed");
    if (count > 0) publish(count);
  }

 private:
  friend SpscSpanRing;
  explicit Producer(SpscSpanRing& ring) noexcept
      : ring_(&ring),
        tail_(ring.tail_.load(std::memory_order_relaxed)),         // no partner: own index
        head_seen_(ring.head_.load(std::memory_order_acquire)) {}  // P2 <- C2

  [[nodiscard]] Cell<T>& slot(std::uint64_t index) noexcept { return ring_->slots_.data()[index & ring_->mask_]; }

  /// Free slots, at most `wanted`; asks for the head only if the copy seen last does not suffice.
  [[nodiscard]] std::size_t room(std::size_t wanted) noexcept {
    if (vacant() < wanted) head_seen_ = ring_->head_.load(std::memory_order_acquire);  // P2 <- C2
    return std::min(wanted, vacant());
  }
  [[nodiscard]] std::size_t vacant() const noexcept { return ring_->capacity_slots() - (tail_ - head_seen_); }
  void publish(std::size_t count) noexcept {
    tail_ += count;
    ring_->tail_.store(tail_, std::memory_order_release);  // P1 -> C1
    const std::size_t bytes = count * sizeof(T);
    if (bytes >= kAskBytesMin && bytes < kNonTemporalBytes) ask_for_next(count);
  }

  // The lines that a next batch of this size will be written to lie in the consumer's cache: they are asked for while
  // the caller fills it. The head is looked at for it, too, which costs a line that the batch would wait for. Not for
  // batches that non-temporal stores write: those would have to push the lines out of this cache again.
  static constexpr std::size_t kAskBytesMin = 512;
  static constexpr std::size_t kAskBytesMax = 4096;
  void ask_for_next(std::size_t count) noexcept {
    constexpr std::size_t kSlotsALine = std::max<std::size_t>(1, kCacheLineBytes / sizeof(T));
    const std::size_t wanted = room(std::min(count, kAskBytesMax / sizeof(T)));
    for (std::size_t at = 0; at < wanted; at += kSlotsALine) prefetch_for_write(&slot(tail_ + at));
  }

  SpscSpanRing* ring_;
  std::uint64_t tail_;
  std::uint64_t head_seen_;
};

template <class T>
class SpscSpanRing<T>::Consumer {
 public:
  Consumer(Consumer&& other) noexcept
      : ring_(std::exchange(other.ring_, nullptr)),
        position_(other.position_),
        tail_seen_(other.tail_seen_),
        head_given_(other.head_given_) {}
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
    event.emplace(std::move(slot(position_).get()));
    release(1);
    return event;
  }
  [[nodiscard]] bool try_pop(T& event) noexcept {
    if (available() == 0) return false;
    event = std::move(slot(position_).get());
    release(1);
    return true;
  }

  /// Calls handle(T&&) for up to `max` events in place: how many. handle must not throw.
  template <class Handle>
  std::size_t consume(std::size_t max, Handle&& handle) noexcept {
    std::size_t done = 0;
    while (done < max) {
      const std::size_t run = std::min(max - done, contiguous());
      if (run == 0) break;
      Cell<T>* from = &slot(position_);
      for (std::size_t i = 0; i < run; ++i) handle(std::move(from[i].get()));
      release(run);
      done += run;
    }
    return done;
  }

  /// All events at hand, in place, up to the end of the ring's memory; empty when there is none.
  [[nodiscard]] std::span<T> readable() noexcept {
    const std::size_t run = contiguous();
    if (run == 0) return {};
    return {&slot(position_).get(), run};
  }
  /// Destroys and vacates the first `count` events of readable().
  void release(std::size_t count) noexcept {
    HEADRACE_DCHECK("spsc_span.release", count <= tail_seen_ - position_, "more released than readable");
    Cell<T>* from = &slot(position_);
    for (std::size_t i = 0; i < count; ++i) from[i].destroy();
    position_ += count;
    if (position_ - head_given_ > ring_->mask_ / 8) give_back();
  }
  [[nodiscard]] bool was_empty() noexcept { return available() == 0; }

 private:
  friend SpscSpanRing;
  explicit Consumer(SpscSpanRing& ring) noexcept
      : ring_(&ring),
        position_(ring.consumer_position_),
        tail_seen_(ring.tail_.load(std::memory_order_acquire)),     // C1 <- P1
        head_given_(ring.head_.load(std::memory_order_relaxed)) {}  // no partner: own index

  [[nodiscard]] Cell<T>& slot(std::uint64_t index) noexcept { return ring_->slots_.data()[index & ring_->mask_]; }

  [[nodiscard]] std::size_t available() noexcept {
    if (tail_seen_ == position_) {
      tail_seen_ = ring_->tail_.load(std::memory_order_acquire);  // C1 <- P1
      if (tail_seen_ == position_) give_back();
    }
    return tail_seen_ - position_;
  }
  [[nodiscard]] std::size_t contiguous() noexcept {
    return std::min<std::size_t>(available(), ring_->capacity_slots() - (position_ & ring_->mask_));
  }
  void give_back() noexcept {
    if (head_given_ == position_) return;
    head_given_ = position_;
    ring_->head_.store(position_, std::memory_order_release);  // C2 -> P2, C2 -> C3
  }

  SpscSpanRing* ring_;
  std::uint64_t position_;
  std::uint64_t tail_seen_;
  std::uint64_t head_given_;
};

}  // namespace headrace
