#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace headrace::detail {

/// Finds records that live elsewhere: open addressing with linear probing over 8-byte slots, eight to a cache
/// line. A slot holds 32 bits of the key's hash, enough to find its home again when the table grows or closes a
/// gap, and to keep the caller from looking at wrong records but for one in 2^32 / slots.
class HashIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  /// The record with this tag for which is_it(record) holds, or kNone.
  template <class IsIt>
  [[nodiscard]] std::uint32_t find(std::uint32_t tag, IsIt&& is_it) const noexcept {
    const Slot* const slots = slots_.data();
    const std::size_t mask = mask_;
    for (std::size_t at = tag & mask;; at = (at + 1) & mask) {
      const Slot slot = slots[at];
      if (slot.record == kNone || (slot.tag == tag && is_it(slot.record))) return slot.record;
    }
  }

  void insert(std::uint32_t tag, std::uint32_t record) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    place({tag, record});
    ++count_;
  }

  /// The record must be there. Later slots of the run move up, so that no tombstones pile up.
  void erase(std::uint32_t tag, std::uint32_t record) noexcept {
    const std::size_t mask = mask_;
    std::size_t gap = tag & mask;
    while (slots_[gap].record != record) gap = (gap + 1) & mask;
    for (std::size_t at = (gap + 1) & mask; slots_[at].record != kNone; at = (at + 1) & mask) {
      const std::size_t from_home = (at - slots_[at].tag) & mask;
      if (from_home < ((at - gap) & mask)) continue;  // it would land before its home
      slots_[gap] = slots_[at];
      gap = at;
    }
    slots_[gap] = Slot{};
    --count_;
  }

 private:
  static constexpr std::size_t kSlotsFirst = 16;
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t record = kNone;
  };

  void place(Slot slot) noexcept {
    std::size_t at = slot.tag & mask_;
    while (slots_[at].record != kNone) at = (at + 1) & mask_;
    slots_[at] = slot;
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    mask_ = slots_.size() - 1;
    for (const Slot& slot : old) {
      if (slot.record != kNone) place(slot);
    }
  }

  std::vector<Slot> slots_ = std::vector<Slot>(kSlotsFirst);  ///< a power of two, at most half full
  std::size_t mask_ = kSlotsFirst - 1;
  std::size_t count_ = 0;
};

}  // namespace headrace::detail
