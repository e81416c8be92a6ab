#pragma once

#include <bit>
#include <cstdint>

#include "headrace/base/atomic.hpp"
#include "headrace/base/cache_line.hpp"
#include "headrace/base/futex.hpp"

namespace headrace {

/// Lets threads sleep until a condition that others make true, at no cost to those others while nobody sleeps.
///
///     waiter:  const auto key = events.prepare_wait();     notifier:  make the condition true;
///              if (condition) events.cancel_wait(key);                events.notify();
///              else events.wait(key);            then look again
///
/// Threads:   any number of waiters and notifiers. Each prepare_wait is followed by one cancel_wait or one wait.
/// Progress:  notify without waiters is a load of a shared line: no fence, no write, no system call. The first
///            notify that finds waiters takes all of them off the count and wakes them, so that those which follow
///            cost nothing again while the sleepers are still waking.
/// Limits:    2^32 - 1 waiters; a wake-up is missed if exactly 2^32 others fall between a key and its sleep.
///
/// Argument:  a notifier makes the condition true, passes the light fence and reads the count (W3). A waiter adds
///            itself to the count (W1), passes the heavy fence and reads the condition. By the fences one sees the
///            other. A waiter that sees the condition does not sleep. A notifier that sees the waiter counted
///            moves the epoch (W4) and wakes; a waiter not yet asleep finds the epoch moved and stays awake. A
///            notifier that reads a later count, without the waiter, leaves it to whoever took the waiter off:
///            itself, or a notifier that moves the epoch and wakes. W4 releases though a fence precedes it: that
///            fence may be the compiler's only.
/// Ordering:  W1 -> W3  through the fences F1 <-> F2: the notifier sees the waiter, or the waiter the condition
///            W4 -> W2  whoever was woken sees what was written before notify
class EventCount {
 public:
  class Key {
    friend class EventCount;
    explicit Key(std::uint32_t epoch) noexcept : epoch_(epoch) {}
    std::uint32_t epoch_;
  };
  enum class Wake : std::uint8_t { notified, timed_out };

  EventCount() noexcept = default;
  EventCount(const EventCount&) = delete;
  EventCount& operator=(const EventCount&) = delete;

  /// From here on a notify will not be missed. Runs membarrier: for a thread that has spun enough and will sleep.
  /// @thread waiter
  [[nodiscard]] Key prepare_wait() noexcept {
    const auto before = state_.fetch_add(1, std::memory_order_relaxed);  // W1 -> W3
    asymmetric_fence_heavy();                                            // F2 <-> F1
    return Key(epoch_of(before));
  }

  /// @thread waiter
  void cancel_wait(Key key) noexcept { static_cast<void>(leave(key)); }

  /// Sleeps until the first notify since prepare_wait. @thread waiter
  void wait(Key key) noexcept { static_cast<void>(wait_until(key, kNoDeadline)); }

  /// The same, but not beyond the deadline on the steady_ns() clock. @thread waiter
  [[nodiscard]] Wake wait_until(Key key, std::uint64_t deadline_ns) noexcept {
    for (;;) {
      if (epoch_of(state_.load(std::memory_order_acquire)) != key.epoch_) return Wake::notified;  // W2 <- W4
      const auto outcome = futex_wait(epoch_word(), key.epoch_, deadline_ns);
      if (outcome == FutexWait::timed_out && leave(key)) return Wake::timed_out;
    }
  }

  /// Sleeps until the condition holds, but not beyond the deadline on the steady_ns() clock; whether it holds.
  /// Whoever makes it true calls notify(). @thread waiter
  template <class Condition>
  [[nodiscard]] bool await_until(std::uint64_t deadline_ns, Condition&& condition) noexcept {
    while (!condition()) {
      const Key key = prepare_wait();
      if (condition()) {
        cancel_wait(key);
        return true;
      }
      if (wait_until(key, deadline_ns) == Wake::timed_out) return condition();
    }
    return true;
  }

  /// Wakes all who wait. Call it after the store that makes the condition true. @thread notifier
  void notify() noexcept {
    asymmetric_fence_light();                                  // F1 <-> F2
    const auto seen = state_.load(std::memory_order_relaxed);  // W3 <- W1
    if (waiters_of(seen) != 0) [[unlikely]]
      wake_all(seen);
  }

  /// A glance for reports; true answers may be old. @thread any
  [[nodiscard]] bool had_waiters() const noexcept {
    return waiters_of(state_.load(std::memory_order_relaxed)) != 0;  // no partner: nothing is decided by it
  }

 private:
  // The epoch lies in the upper half, where its overflow falls off the end, and the waiters of this epoch in the
  // lower.
  static constexpr std::uint64_t kOneEpoch = std::uint64_t{1} << 32;
  static std::uint32_t epoch_of(std::uint64_t state) noexcept { return static_cast<std::uint32_t>(state >> 32); }
  static std::uint32_t waiters_of(std::uint64_t state) noexcept { return static_cast<std::uint32_t>(state); }

  [[nodiscard]] const void* epoch_word() const noexcept {
    static_assert(std::endian::native == std::endian::little);
    return reinterpret_cast<const char*>(&state_) + sizeof(std::uint32_t);
  }

  // Takes this waiter off the count, unless a notifier was quicker.
  [[nodiscard]] bool leave(Key key) noexcept {
    auto seen = state_.load(std::memory_order_relaxed);  // no partner: the exchange decides
    while (epoch_of(seen) == key.epoch_) {
      if (state_.compare_exchange_weak(seen, seen - 1, std::memory_order_relaxed,  // no partner: only counts
                                       std::memory_order_relaxed)) {               // no partner: tried again
        return true;
      }
    }
    return false;
  }

  // Kept out of line, so that notify stays three instructions at the call.
  [[gnu::noinline, gnu::cold]] void wake_all(std::uint64_t seen) noexcept {
    do {
      if (waiters_of(seen) == 0) return;  // another notifier wakes them
    } while (!state_.compare_exchange_weak(seen, (seen | (kOneEpoch - 1)) + 1,
                                           std::memory_order_release,    // W4 -> W2
                                           std::memory_order_relaxed));  // no partner: tried again
    futex_wake_all(epoch_word());
  }

  // Writers: waiters, and notifiers that find one.
  alignas(kNoSharingBytes) Atomic<std::uint64_t> state_{0};
};

}  // namespace headrace
