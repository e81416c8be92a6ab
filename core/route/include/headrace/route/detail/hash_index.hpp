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
    if (slots_.empty()) return kNone;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = tag & mask; slots_[at].record != kNone; at = (at + 1) & mask) {
      if (slots_[at].tag == tag && is_it(slots_[at].record)) return slots_[at].record;
    }
    return kNone;
  }

  void insert(std::uint32_t tag, std::uint32_t record) {
    if ((count_ + 1) * 8 > slots_.size() * 5) grow();
    place({tag, record});
    ++count_;
  }

  /// The record must be there. Later slots of the run move up, so that no tombstones pile up.
  void erase(std::uint32_t tag, std::uint32_t record) noexcept {
    const std::size_t mask = slots_.size() - 1;
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
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t record = kNone;
  };

  void place(Slot slot) noexcept {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = slot.tag & mask;
    while (slots_[at].record != kNone) at = (at + 1) & mask;
    slots_[at] = slot;
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.record != kNone) place(slot);
    }
  }

  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace headrace::detail
