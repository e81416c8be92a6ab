#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "headrace/base/check.hpp"
#include "headrace/delivery/timer_lists.hpp"

namespace headrace {

struct TimingWheelOptions {
  std::uint32_t timers_max = 65'536;
  std::chrono::nanoseconds tick = std::chrono::milliseconds{1};
};

/// Pending timers, each with a payload, by the hierarchical wheel of Varghese and Lauck: eight wheels of 256
/// slots, each slot of a wheel as long as a whole turn of the wheel before, so that any 64-bit time has its place.
/// A timer stands in the wheel of the highest digit in which its due tick differs from the present one, and moves
/// down when that slot's time comes: once for one that is a minute off, twice for hours. What stands in a slot is a
/// list of TimerLists.
///
/// Threads:   one: the worker that owns it.
/// Time:      whatever clock of nanoseconds the caller has, passed in. It may jump forward (bitmaps skip the empty
///            slots); a jump backward does nothing.
/// Costs:     schedule, cancel: O(1). advance: O(timers fired and moved down); one comparison while nothing is
///            due.
/// Allocates: constructor only: 26 bytes and the payload a timer, and 148 KB. Throws std::bad_alloc.
/// Limits:    a token is mistaken for a later one when its number was used 2^31 times since.
/// Invariant: I1  a timer in slot s of wheel w agrees with now_ in every digit above w, and s is greater than
///                now_'s digit w; but for the slot of wheel 0 that advance() is at, or has left half fired
///            I2  ready and late hold timers whose tick is not after now_
///            I3  nothing is due before wake_ns_
/// Order:     by due tick, rounded up so that nothing fires early; within a tick in the order scheduled. What is
///            scheduled for a time that advance() has passed, also by a firing timer, fires first in the next
///            advance.
template <class Payload>
class TimingWheel {
 public:
  explicit TimingWheel(TimingWheelOptions options = {}, std::uint64_t start_ns = 0)
      : tick_ns_(static_cast<std::uint64_t>(checked(options).tick.count())),
        last_tick_(~std::uint64_t{0} / tick_ns_),
        now_(start_ns / tick_ns_),
        lists_(kLists, options.timers_max) {}

  /// None: `timers_max` are pending, and the payload is where it was. @alloc none
  [[nodiscard]] std::optional<TimerToken> schedule(std::uint64_t due_ns, Payload&& payload) noexcept {
    if (size() == capacity()) return std::nullopt;
    std::uint64_t due = due_ns / tick_ns_;
    if (due_ns % tick_ns_ != 0 && due < last_tick_) ++due;
    std::uint32_t list = kLate;
    std::uint64_t start_ns = 0;
    if (due > now_) {
      list = use(slot_of(due));
      start_ns = slot_start(list) * tick_ns_;
    }
    wake_ns_ = std::min(wake_ns_, start_ns);
    return lists_.add(list, due, std::move(payload));
  }

  /// The payload back, or none: it fired, was cancelled, or never was. @alloc none
  std::optional<Payload> cancel(TimerToken token) noexcept {
    const std::uint32_t list = lists_.list_of(token);
    if (list == kNil) return std::nullopt;
    Payload payload = lists_.remove(token);
    if (lists_.is_empty(list)) mark_empty(list);
    return payload;
  }

  /// Fires what is due at `now_ns`: fire(payload), which may schedule and cancel. Answers how many fired; no more
  /// than `fires_max`, so that a worker's turn stays short: the rest is ready and fires in the next calls.
  template <class Fire>
  std::uint32_t advance(std::uint64_t now_ns, Fire&& fire, std::uint32_t fires_max = ~0U) {
    if (now_ns < wake_ns_) return 0;
    lists_.splice(kReady, kLate);
    const std::uint64_t target = now_ns / tick_ns_;
    std::uint32_t fired = 0;
    const auto fire_all_of = [&](std::uint32_t list) {
      for (; !lists_.is_empty(list); ++fired) {
        if (fired == fires_max) return false;
        // Its place is free before the call: what fires may be scheduled again even when the wheel is full.
        Payload payload = lists_.pop_front(list);
        if (lists_.is_empty(list)) mark_empty(list);
        fire(std::move(payload));
      }
      return true;
    };
    std::uint32_t list = kReady;
    while (fire_all_of(list)) {
      list = first_slot();
      if (list == kNil || slot_start(list) > target) {
        now_ = std::max(now_, target);
        wake_ns_ = !lists_.is_empty(kLate) ? 0 : list == kNil ? ~std::uint64_t{0} : slot_start(list) * tick_ns_;
        return fired;
      }
      now_ = slot_start(list);
      if (list >= kSlots) open(list);
    }
    wake_ns_ = 0;
    return fired;
  }

  /// Nothing fires before this: how long the worker may park. Zero: something is ready; the highest value: nothing
  /// is pending. A bound from below: a far timer shows the start of its slot, and a cancelled one may still show.
  [[nodiscard]] std::uint64_t next_due_ns() const noexcept { return wake_ns_; }

  [[nodiscard]] std::uint32_t size() const noexcept { return lists_.size(); }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return lists_.capacity(); }

  /// Takes out every pending timer, those of one tick in their order: what a worker does that stops.
  template <class Take>
  void drain(Take&& take) {
    for (std::uint32_t i = 0; i < kLists && size() > 0; ++i) {
      const std::uint32_t list = (kReady + i) % kLists;
      while (!lists_.is_empty(list)) take(lists_.pop_front(list));
      mark_empty(list);
    }
    wake_ns_ = ~std::uint64_t{0};
  }

 private:
  static constexpr std::uint32_t kWheels = 8;
  static constexpr std::uint32_t kDigitBits = 8;
  static constexpr std::uint32_t kSlots = 1U << kDigitBits;
  static constexpr std::uint32_t kReady = kWheels * kSlots;
  static constexpr std::uint32_t kLate = kReady + 1;
  static constexpr std::uint32_t kLists = kReady + 2;
  static constexpr std::uint32_t kWords = kReady / 64;
  static_assert(kWords <= 32, "words_used_ has a bit for each");
  static constexpr std::uint32_t kNil = TimerLists<Payload>::kNone;
  static constexpr std::uint32_t kTimersMost = 1U << 30;

  [[nodiscard]] std::uint32_t slot_of(std::uint64_t due) const noexcept {
    const auto highest = static_cast<std::uint32_t>(std::bit_width((due ^ now_) | 1)) - 1;
    const std::uint32_t wheel = highest / kDigitBits;
    return wheel * kSlots + static_cast<std::uint32_t>(due >> (wheel * kDigitBits) & (kSlots - 1));
  }
  [[nodiscard]] std::uint64_t slot_start(std::uint32_t slot) const noexcept {
    const std::uint32_t shift = slot / kSlots * kDigitBits;
    const std::uint64_t above =
        shift + kDigitBits >= 64 ? 0 : now_ >> (shift + kDigitBits) << (shift + kDigitBits);
    return above | std::uint64_t{slot % kSlots} << shift;
  }
  [[nodiscard]] static const TimingWheelOptions& checked(const TimingWheelOptions& options) noexcept {
    HEADRACE_CHECK("timing_wheel.options",
                   options.tick.count() > 0 && options.timers_max > 0 && options.timers_max <= kTimersMost,
                   "a wheel needs a tick above zero and room for 1 to 2^30 timers");
    return options;
  }

  /// The slot that starts first: lower wheels lie within the present slot of the higher ones.
  [[nodiscard]] std::uint32_t first_slot() const noexcept {
    if (words_used_ == 0) return kNil;
    const auto word = static_cast<std::uint32_t>(std::countr_zero(words_used_));
    return word * 64 + static_cast<std::uint32_t>(std::countr_zero(slots_used_[word]));
  }

  /// now_ has reached the start of a slot above wheel 0: what it holds moves to lower wheels, in order, what is due
  /// to the slot of wheel 0 that is next.
  void open(std::uint32_t slot) noexcept {
    mark_empty(slot);
    lists_.deal(slot, [this](std::uint64_t due) { return use(slot_of(due)); });
  }

  std::uint32_t use(std::uint32_t slot) noexcept {
    slots_used_[slot / 64] |= std::uint64_t{1} << (slot % 64);
    words_used_ |= 1U << (slot / 64);
    return slot;
  }
  void mark_empty(std::uint32_t list) noexcept {
    if (list >= kReady) return;
    slots_used_[list / 64] &= ~(std::uint64_t{1} << (list % 64));
    if (slots_used_[list / 64] == 0) words_used_ &= ~(1U << (list / 64));
  }

  const std::uint64_t tick_ns_;
  const std::uint64_t last_tick_;              ///< that the clock can show
  std::uint64_t now_;                          ///< in ticks: everything up to here is ready or fired
  std::uint64_t wake_ns_ = ~std::uint64_t{0};  ///< I3
  std::uint32_t words_used_ = 0;               ///< a bit a word of slots_used_
  std::array<std::uint64_t, kWords> slots_used_{};
  TimerLists<Payload> lists_;
};

}  // namespace headrace
