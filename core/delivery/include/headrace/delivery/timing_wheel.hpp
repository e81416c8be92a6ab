#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "headrace/base/big_array.hpp"
#include "headrace/base/check.hpp"
#include "headrace/delivery/timer_lists.hpp"

namespace headrace {

/// Names one pending timer. Stays valid as a value after it fired: cancel() then answers that there is none.
struct TimerToken {
  std::uint32_t node = ~0U;
  std::uint32_t generation = 0;

  friend bool operator==(const TimerToken&, const TimerToken&) = default;
};

struct TimingWheelOptions {
  std::uint32_t timers_max = 65'536;
  std::chrono::nanoseconds tick = std::chrono::milliseconds{1};
};

/// Pending timers, each with a payload, by the hierarchical wheel of Varghese and Lauck: eight wheels of 256
/// slots, each slot of a wheel as long as a whole turn of the wheel before, so that any 64-bit time has its place.
/// A timer stands in the wheel of the highest digit in which its due tick differs from the present one, and moves
/// down when that slot's time comes: once for one that is a minute off, twice for hours.
///
/// A slot is a TimerLists list: numbers of nodes in chunks of a cache line. Links through the nodes would cost a
/// cache miss for each timer that is scheduled (its neighbour) and one after the other for those that fire;
/// numbers that stand side by side say early which nodes will be wanted.
///
/// Threads:   one: the worker that owns it.
/// Time:      whatever clock of nanoseconds the caller has, passed in. It may jump forward (bitmaps skip the empty
///            slots); a jump backward does nothing.
/// Costs:     schedule, cancel: O(1). advance: O(timers fired and moved down); one comparison while nothing is
///            due.
/// Allocates: constructor only: `timers_max` nodes of 16 bytes and their payload, 9 bytes each for the lists, and
///            130 KB. Throws std::bad_alloc.
/// Limits:    a token is mistaken for a later one when its node was used 2^32 times since.
/// Invariant: I1  a node in slot s of wheel w agrees with now_ in every digit above w, and s is greater than
/// now_'s
///                digit w; but for the slot of wheel 0 that advance() left half fired
///            I2  ready and late hold nodes whose tick is not after now_
///            I3  nothing is due before wake_ns_
/// Order:     by due tick, rounded up so that nothing fires early; within a tick in the order scheduled. What is
///            scheduled for a time that advance() has passed, also by a firing timer, fires first in the next
///            advance.
template <class Payload>
class TimingWheel {
  static_assert(std::is_nothrow_move_constructible_v<Payload> && std::is_nothrow_destructible_v<Payload>);

 public:
  explicit TimingWheel(TimingWheelOptions options = {}, std::uint64_t start_ns = 0)
      : tick_ns_(static_cast<std::uint64_t>(checked(options).tick.count())),
        last_tick_(~std::uint64_t{0} / tick_ns_),
        timers_max_(options.timers_max),
        now_(start_ns / tick_ns_),
        nodes_(timers_max_),
        lists_(kLists, timers_max_) {
    for (std::uint32_t i = 0; i < timers_max_; ++i) nodes_[i].due = i + 1 < timers_max_ ? i + 1 : kNil;
    free_ = 0;
  }
  TimingWheel(const TimingWheel&) = delete;
  TimingWheel& operator=(const TimingWheel&) = delete;
  ~TimingWheel() { clear(); }

  /// None: `timers_max` are pending, and the payload is where it was. @alloc none
  [[nodiscard]] std::optional<TimerToken> schedule(std::uint64_t due_ns, Payload&& payload) noexcept {
    const std::uint32_t at = free_;
    if (at == kNil) return std::nullopt;
    Node& node = nodes_[at];
    free_ = static_cast<std::uint32_t>(node.due);
    std::construct_at(node.payload(), std::move(payload));
    node.due = due_ns / tick_ns_;
    if (due_ns % tick_ns_ != 0 && node.due < last_tick_) ++node.due;
    ++size_;
    if (node.due <= now_) {
      append(kLate, at);
      wake_ns_ = 0;
    } else {
      const std::uint32_t slot = slot_of(node.due);
      append(slot, at);
      const std::uint64_t start_ns = slot_start(slot) * tick_ns_;
      if (start_ns < wake_ns_) wake_ns_ = start_ns;
    }
    return TimerToken{at, node.generation};
  }

  /// The payload back, or none: it fired, was cancelled, or never was. @alloc none
  std::optional<Payload> cancel(TimerToken token) noexcept {
    if (token.node >= timers_max_) return std::nullopt;
    Node& node = nodes_[token.node];
    if (node.place == kFree || node.generation != token.generation) return std::nullopt;
    unlink(node.place);
    return release(token.node);
  }

  /// Fires what is due at `now_ns`: fire(payload), which may schedule and cancel. Answers how many fired; no more
  /// than `fires_max`, so that a worker's turn stays short: the rest is ready and fires in the next calls.
  template <class Fire>
  std::uint32_t advance(std::uint64_t now_ns, Fire&& fire, std::uint32_t fires_max = ~0U) {
    if (now_ns < wake_ns_) return 0;
    lists_.splice(kReady, kLate, Moved{*this});
    const std::uint64_t target = now_ns / tick_ns_;
    std::uint32_t fired = 0;
    const auto fire_all_of = [&](std::uint32_t list) {
      for (; !lists_.is_empty(list); ++fired) {
        if (fired == fires_max) return false;
        const std::uint32_t at = lists_.pop_front(list, AskAhead{*this});
        if (lists_.is_empty(list)) mark_empty(list);
        // The node is free before the call: what fires may be scheduled again even when the wheel is full.
        fire(release(at));
      }
      return true;
    };
    for (std::uint32_t list = kReady;;) {
      if (!fire_all_of(list)) {
        wake_ns_ = 0;
        return fired;
      }
      const std::uint32_t slot = first_slot();
      if (slot == kNil || slot_start(slot) > target) break;
      now_ = slot_start(slot);
      list = slot;
      if (slot >= kSlots) {
        open(slot);
        list = kReady;
      }
    }
    if (target > now_) now_ = target;
    const std::uint32_t slot = first_slot();
    wake_ns_ = !lists_.is_empty(kLate) ? 0 : slot == kNil ? ~std::uint64_t{0} : slot_start(slot) * tick_ns_;
    return fired;
  }

  /// Nothing fires before this: how long the worker may park. Zero: something is ready; the highest value: nothing
  /// is pending. A bound from below: a far timer shows the start of its slot, and a cancelled one may still show.
  [[nodiscard]] std::uint64_t next_due_ns() const noexcept { return wake_ns_; }

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return timers_max_; }

  /// Takes out every pending timer, in no order: what a worker does that stops.
  template <class Take>
  void drain(Take&& take) {
    for (std::uint32_t at = 0; at < timers_max_ && size_ > 0; ++at) {
      if (nodes_[at].place == kFree) continue;
      unlink(nodes_[at].place);
      take(release(at));
    }
    wake_ns_ = ~std::uint64_t{0};
  }
  void clear() noexcept {
    drain([](Payload&&) {});
  }

 private:
  static constexpr std::uint32_t kWheels = 8;
  static constexpr std::uint32_t kDigitBits = 8;
  static constexpr std::uint32_t kSlots = 1U << kDigitBits;
  static constexpr std::uint32_t kWords = kSlots / 64;
  static constexpr std::uint32_t kReady = kWheels * kSlots;
  static constexpr std::uint32_t kLate = kReady + 1;
  static constexpr std::uint32_t kLists = kReady + 2;
  static constexpr std::uint32_t kFree = ~0U;
  static constexpr std::uint32_t kNil = ~0U;
  static constexpr std::uint32_t kTimersMost = 1U << 30;

  struct Node {
    std::uint64_t due = 0;        ///< of a free one: the next free one
    std::uint32_t place = kFree;  ///< in lists_
    std::uint32_t generation = 0;
    alignas(Payload) std::byte bytes[sizeof(Payload)];

    [[nodiscard]] Payload* payload() noexcept { return reinterpret_cast<Payload*>(bytes); }
  };

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

  struct Moved {
    TimingWheel& wheel;
    void operator()(std::uint32_t at, std::uint32_t place) const noexcept { wheel.nodes_[at].place = place; }
  };
  struct AskAhead {
    TimingWheel& wheel;
    void operator()(std::uint32_t at) const noexcept { __builtin_prefetch(&wheel.nodes_[at], 1); }
  };
  /// The slot that starts first: lower wheels lie within the present slot of the higher ones.
  [[nodiscard]] std::uint32_t first_slot() const noexcept {
    if (wheels_used_ == 0) return kNil;
    std::uint32_t word = static_cast<std::uint32_t>(std::countr_zero(wheels_used_)) * kWords;
    while (slots_used_[word] == 0) ++word;
    return word * 64 + static_cast<std::uint32_t>(std::countr_zero(slots_used_[word]));
  }

  /// now_ has reached the start of a slot above wheel 0: what is due becomes ready, the rest moves to lower
  /// wheels, in order.
  void open(std::uint32_t slot) noexcept {
    mark_empty(slot);
    lists_.take_all(slot, AskAhead{*this}, [this](std::uint32_t at) {
      const std::uint64_t due = nodes_[at].due;
      append(due <= now_ ? kReady : slot_of(due), at);
    });
  }

  void append(std::uint32_t list, std::uint32_t at) noexcept {
    if (list < kReady) {
      slots_used_[list / 64] |= std::uint64_t{1} << (list % 64);
      wheels_used_ |= 1U << (list / kSlots);
    }
    nodes_[at].place = lists_.append(list, at, Moved{*this});
  }
  void unlink(std::uint32_t place) noexcept {
    const std::uint32_t list = lists_.erase(place, Moved{*this});
    if (lists_.is_empty(list)) mark_empty(list);
  }
  void mark_empty(std::uint32_t slot) noexcept {
    if (slot >= kReady) return;
    slots_used_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
    const std::uint64_t* const words = &slots_used_[slot / kSlots * kWords];
    if (std::all_of(words, words + kWords, [](std::uint64_t word) { return word == 0; })) {
      wheels_used_ &= ~(1U << (slot / kSlots));
    }
  }
  Payload release(std::uint32_t at) noexcept {
    Node& node = nodes_[at];
    Payload payload = std::move(*node.payload());
    std::destroy_at(node.payload());
    node.place = kFree;
    ++node.generation;
    node.due = free_;
    free_ = at;
    --size_;
    return payload;
  }

  const std::uint64_t tick_ns_;
  const std::uint64_t last_tick_;  ///< that the clock can show
  const std::uint32_t timers_max_;
  std::uint64_t now_;                          ///< in ticks: everything up to here is ready or fired
  std::uint64_t wake_ns_ = ~std::uint64_t{0};  ///< I3
  std::uint32_t wheels_used_ = 0;              ///< a bit a wheel
  std::uint32_t size_ = 0;
  std::uint32_t free_ = kNil;
  std::array<std::uint64_t, kWheels * kWords> slots_used_{};  ///< a bit a slot
  BigArray<Node> nodes_;
  TimerLists lists_;
};

}  // namespace headrace
