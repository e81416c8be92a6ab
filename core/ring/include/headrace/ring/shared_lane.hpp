#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "headrace/base/atomic.hpp"
#include "headrace/base/cache_line.hpp"
#include "headrace/base/hints.hpp"
#include "headrace/ring/push_result.hpp"
#include "headrace/ring/slot_array.hpp"
#include "headrace/ring/stream_lag.hpp"
#include "headrace/ring/word_slot.hpp"

namespace headrace {

/// Where a test may stop a thread. The default costs nothing.
struct NoStallPoints {
  static void before_publish() noexcept {}  ///< the events are written, nobody sees them yet
  static void before_claim() noexcept {}    ///< the events are copied out, not claimed yet
};

/// One lane of an MpmcRing: a ring with one producer and any number of consumers.
///
/// Threads:   one Writer at a time; take() from any thread.
/// Progress:  Writer wait-free. take() lock-free: its claim fails only because another consumer's succeeded.
/// Invariant: I1  head <= tail <= head + capacity; both only grow, 2^64 is never reached, so there is no ABA
///            I2  slot i is overwritten only after head has passed i
/// Ordering:  P1 -> C1  a consumer that sees the tail sees the words below it
///            C2 -> P2  a producer that sees the head writes after the copies of those who moved it
///            C2 -> C3  a consumer that sees a head sees a tail at least as far
///            L2 -> L1  a lane's new writer continues where the last one stopped
///
/// A consumer copies first and claims afterwards, by one CAS of the head (as a thief does in Chase and Lev's
/// deque, SPAA 2005). If the CAS succeeds the head had not moved, so by I2 no copied slot was overwritten; if it
/// fails the copies are thrown away. So nobody ever holds a slot that others must wait for: a consumer stopped
/// between copy and claim holds nothing, and a producer stopped before P1 has shown nothing.
template <class T, class StallPoints>
class SharedLane {
  using Slot = WordSlot<T>;

 public:
  SharedLane() = default;
  ~SharedLane() {
    if constexpr (Slot::kBoxed) {
      std::uint64_t tail_seen = 0;
      while (take(1, tail_seen, [](std::size_t, auto words) { static_cast<void>(Slot::open(words)); }) != 0) {
      }
    }
  }

  /// Makes the caller the lane's writer, if it has none. The first one allocates the slots.
  [[nodiscard]] bool try_own(std::size_t capacity) {
    if (owned_.load(std::memory_order_relaxed)) return false;            // no partner: only saves the exchange
    if (owned_.exchange(true, std::memory_order_acquire)) return false;  // L1 <- L2
    try {
      if (slots_.size() == 0) {
        slots_ = SlotArray<Atomic<std::uint64_t>>(capacity * Slot::kWords);
        mask_ = capacity - 1;
      }
    } catch (...) {
      disown();
      throw;
    }
    return true;
  }
  void disown() noexcept { owned_.store(false, std::memory_order_release); }  // L2 -> L1

  /// The producer's end; it keeps the producer's own state out of shared lines. The owner of the lane makes one.
  class Writer {
   public:
    Writer() = default;
    Writer(SharedLane& lane, std::size_t capacity, Lag lag) noexcept
        : lane_(&lane),
          slots_(lane.slots_.data()),
          capacity_(capacity),
          tail_(lane.tail_.load(std::memory_order_relaxed)),  // no partner: L1 ordered the last writer's store
          head_seen_(lane.head_.load(std::memory_order_acquire)),  // P2 <- C2
          lag_(lag) {}

    [[nodiscard]] SharedLane* lane() const noexcept { return lane_; }

    /// Free slots, at most `wanted`; asks the consumers' index only if the copy seen last does not suffice.
    [[nodiscard]] std::size_t room(std::size_t wanted) noexcept {
      if (vacant() < wanted) {
        look();
        if (vacant() == 0 && lag_.after_miss(tail_)) look();
      }
      return std::min<std::size_t>(wanted, vacant());
    }
    template <class... Args>
    void write(std::size_t offset, Args&&... args) {
      const std::uint64_t at = tail_ + offset;
      if (at % kSlotsALine == 0 && at + kAskAhead - head_seen_ < capacity_)
        prefetch_for_write(slot(at + kAskAhead));
      Slot::write(slot(at), std::forward<Args>(args)...);
    }
    void publish(std::size_t count) noexcept {
      StallPoints::before_publish();
      tail_ += count;
      lane_->tail_.store(tail_, std::memory_order_release);  // P1 -> C1
    }

   private:
    // A slot's line lies in a consumer's cache: asked for so far ahead, where it is known to be vacated, it is here in
    // time.
    static constexpr std::uint64_t kSlotsALine =
        std::max<std::uint64_t>(1, kCacheLineBytes / (Slot::kWords * sizeof(std::uint64_t)));
    static constexpr std::uint64_t kAskAhead = 32 * kSlotsALine;

    [[nodiscard]] Atomic<std::uint64_t>* slot(std::uint64_t index) const noexcept {
      return slots_ + (index & (capacity_ - 1)) * Slot::kWords;
    }
    [[nodiscard]] std::size_t vacant() const noexcept { return capacity_ - (tail_ - head_seen_); }
    void look() noexcept { head_seen_ = lane_->head_.load(std::memory_order_acquire); }  // P2 <- C2

    SharedLane* lane_ = nullptr;
    Atomic<std::uint64_t>* slots_ = nullptr;
    std::size_t capacity_ = 0;
    std::uint64_t tail_ = 0;
    std::uint64_t head_seen_ = 0;
    StreamLag lag_;
  };

  /// Copies up to `max` of the oldest events by store(i, words) and claims them: the count returned. What store()
  /// was given counts only then. `tail_seen` is the caller's private copy of this lane's tail, zero at first.
  template <class Store>
  [[nodiscard]] std::size_t take(std::size_t max, std::uint64_t& tail_seen, Store&& store) noexcept {
    std::uint64_t head = head_.load(std::memory_order_acquire);  // C3 <- C2
    for (;;) {
      if (tail_seen < head + max) {
        tail_seen = tail_.load(std::memory_order_acquire);  // C1 <- P1
        if (tail_seen == head) return 0;
      }
      const std::size_t count = std::min<std::size_t>(max, tail_seen - head);
      // A claim keeps later loads back, so without this small takes would wait for each line on its own.
      if (count < kReadAhead && head + kReadAhead < tail_seen) prefetch_for_read(slot(head + kReadAhead));
      for (std::size_t i = 0; i < count; ++i) {
        store(i, Slot::read(slot(head + i)));
      }
      StallPoints::before_claim();
      if (head_.compare_exchange_strong(head, head + count, std::memory_order_release,  // C2 -> P2, C2 -> C3
                                        std::memory_order_acquire)) {                   // C3 <- C2
        return count;
      }
    }
  }

  [[nodiscard]] std::size_t size_approx() const noexcept {
    const auto head = head_.load(std::memory_order_acquire);  // C3 <- C2
    return tail_.load(std::memory_order_relaxed) - head;      // no partner: a number, no event is read by it
  }

 private:
  /// Eight lines, in slots.
  static constexpr std::uint64_t kReadAhead =
      std::max<std::uint64_t>(1, 8 * kCacheLineBytes / (Slot::kWords * sizeof(std::uint64_t)));

  [[nodiscard]] Atomic<std::uint64_t>* slot(std::uint64_t index) noexcept {
    return slots_.data() + (index & mask_) * Slot::kWords;
  }

  // Written by the owner of the lane.
  alignas(kNoSharingBytes) Atomic<std::uint64_t> tail_{0};
  // Written by consumers.
  alignas(kNoSharingBytes) Atomic<std::uint64_t> head_{0};
  // Written by whoever takes or leaves the lane.
  alignas(kNoSharingBytes) Atomic<bool> owned_{false};
  // Written by the lane's first owner before the first P1.
  alignas(kNoSharingBytes) SlotArray<Atomic<std::uint64_t>> slots_;
  std::uint64_t mask_ = 0;
};

}  // namespace headrace
