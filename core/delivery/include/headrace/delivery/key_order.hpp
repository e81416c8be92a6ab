#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "headrace/base/check.hpp"
#include "headrace/base/hash.hpp"

namespace headrace {

/// What happens to a later event of a held key when the waiting room is full.
enum class WhenRoomFull : std::uint8_t {
  block,        ///< the worker keeps it and reads no further from where it came: backpressure
  dead_letter,  ///< it is dead-lettered with FailureClass::no_room
  drop,         ///< it is dropped and counted
};

struct KeyOrderOptions {
  std::uint32_t events_max = 16'384;  ///< that wait, over all keys
  std::uint32_t keys_max = 4096;      ///< that are held at a time
  WhenRoomFull when_full = WhenRoomFull::block;
};

/// What became of an event that came for a key. The last three leave it with the caller, untouched.
enum class [[nodiscard]] WaitAnswer : std::uint8_t{
    queued,       ///< it waits behind the events of its key
    not_held,     ///< its key is free: run it
    block,        ///< the room is full: do what WhenRoomFull::block says
    dead_letter,  ///< the room is full
    drop,         ///< the room is full
};

/// The waiting room of an `ordered` subscription on one worker: while an event of a key is being retried, or the
/// key is parked, later events of that key queue here; other keys do not notice.
///
/// Keys are hashes: two keys of one hash wait for each other, which keeps the order of both.
/// Threads:   one: the worker that owns it.
/// Costs:     O(1) each; one comparison while no key is held.
/// Allocates: constructor only: events_max items of sizeof(Item) + 4 bytes, 24 bytes a slot for two to four times
///            keys_max.
/// Invariant: I1  an event waits only for a key that is held
///            I2  of each key the events come out in the order they went in
template <class Item>
class KeyOrder {
  static_assert(std::is_nothrow_move_constructible_v<Item> && std::is_nothrow_destructible_v<Item>);

 public:
  explicit KeyOrder(KeyOrderOptions options = {}) : options_(options) {
    HEADRACE_CHECK("key_order.options",
                   options.keys_max > 0 && options.keys_max < 1U << 30 && options.events_max < kNil,
                   "ordered keys need room for 1 to 2^30 keys and fewer than 2^32 - 1 events");
    mask_ = std::bit_ceil(std::size_t{options.keys_max} * 2) - 1;
    slots_ = std::make_unique<Slot[]>(mask_ + 1);
    waiting_ = std::make_unique<Waiting[]>(options.events_max);
    for (std::uint32_t i = options.events_max; i-- > 0;) {
      waiting_[i].next = free_;
      free_ = i;
    }
  }
  KeyOrder(const KeyOrder&) = delete;
  KeyOrder& operator=(const KeyOrder&) = delete;
  ~KeyOrder() {
    drain([](std::uint64_t, Item&&) {});
  }

  /// From now on events of the key wait. False: keys_max keys are held already, and this one is not. Holding a
  /// held key changes nothing.
  [[nodiscard]] bool hold(std::uint64_t key) noexcept {
    Slot& slot = find(key);
    if (slot.used) return true;
    if (keys_ == options_.keys_max) return false;
    slot = {.key = key, .head = kNil, .tail = kNil, .used = true};
    ++keys_;
    return true;
  }
  [[nodiscard]] bool is_held(std::uint64_t key) const noexcept {
    return keys_ != 0 && const_cast<KeyOrder*>(this)->find(key).used;
  }

  /// Moves from the item if it is queued, else leaves it.
  WaitAnswer wait(std::uint64_t key, Item& item) noexcept {
    if (keys_ == 0) return WaitAnswer::not_held;
    Slot& slot = find(key);
    if (!slot.used) return WaitAnswer::not_held;
    if (free_ == kNil) {
      switch (options_.when_full) {
        case WhenRoomFull::block:
          return WaitAnswer::block;
        case WhenRoomFull::dead_letter:
          return WaitAnswer::dead_letter;
        case WhenRoomFull::drop:
          return WaitAnswer::drop;
      }
    }
    const std::uint32_t at = free_;
    free_ = waiting_[at].next;
    std::construct_at(waiting_[at].item(), std::move(item));
    waiting_[at].next = kNil;
    (slot.head == kNil ? slot.head : waiting_[slot.tail].next) = at;
    slot.tail = at;
    ++events_;
    return WaitAnswer::queued;
  }

  /// Hands out what waits for the key, in order: run(item) answers whether the next one may come. When nothing is
  /// left the key is free; when run answers false the key stays held, with the rest waiting. run may hold, wait
  /// and release other keys, and wait for this one. Answers how many were handed out; the key need not be held.
  template <class Run>
  std::uint32_t release(std::uint64_t key, Run&& run) {
    std::uint32_t ran = 0;
    for (;;) {
      // Found anew each time: run may have moved the slot.
      Slot& slot = find(key);
      if (!slot.used) return ran;
      if (slot.head == kNil) {
        erase(slot);
        return ran;
      }
      Item item = take(slot);
      ++ran;
      if (!run(std::move(item))) return ran;
    }
  }

  /// Takes out everything that waits, key by key and in order within each, and frees all keys: take(key, item).
  template <class Take>
  void drain(Take&& take_item) {
    for (std::size_t i = 0; i <= mask_ && keys_ > 0; ++i) {
      Slot& slot = slots_[i];
      if (!slot.used) continue;
      while (slot.head != kNil) take_item(slot.key, take(slot));
      slot.used = false;
      --keys_;
    }
  }

  [[nodiscard]] std::uint32_t events() const noexcept { return events_; }
  [[nodiscard]] std::uint32_t keys() const noexcept { return keys_; }

 private:
  static constexpr std::uint32_t kNil = ~0U;

  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t head = kNil;
    std::uint32_t tail = kNil;
    bool used = false;
  };
  struct Waiting {
    std::uint32_t next;
    alignas(Item) std::byte bytes[sizeof(Item)];

    [[nodiscard]] Item* item() noexcept { return reinterpret_cast<Item*>(bytes); }
  };

  [[nodiscard]] std::size_t home(std::uint64_t key) const noexcept { return mix64(key) & mask_; }
  /// The key's slot, or the free one where it would stand.
  [[nodiscard]] Slot& find(std::uint64_t key) noexcept {
    std::size_t at = home(key);
    while (slots_[at].used && slots_[at].key != key) at = (at + 1) & mask_;
    return slots_[at];
  }
  [[nodiscard]] Item take(Slot& slot) noexcept {
    const std::uint32_t at = slot.head;
    Waiting& waiting = waiting_[at];
    slot.head = waiting.next;
    Item item = std::move(*waiting.item());
    std::destroy_at(waiting.item());
    waiting.next = free_;
    free_ = at;
    --events_;
    return item;
  }
  /// Later slots of the run move up, so that no tombstones pile up.
  void erase(Slot& slot) noexcept {
    auto gap = static_cast<std::size_t>(&slot - slots_.get());
    for (std::size_t at = (gap + 1) & mask_; slots_[at].used; at = (at + 1) & mask_) {
      if (((at - home(slots_[at].key)) & mask_) < ((at - gap) & mask_)) continue;  // it would land before its home
      slots_[gap] = slots_[at];
      gap = at;
    }
    slots_[gap] = Slot{};
    --keys_;
  }

  const KeyOrderOptions options_;
  std::size_t mask_ = 0;
  std::uint32_t keys_ = 0;
  std::uint32_t events_ = 0;
  std::uint32_t free_ = kNil;
  std::unique_ptr<Slot[]> slots_;  ///< at most half full
  std::unique_ptr<Waiting[]> waiting_;
};

}  // namespace headrace
