#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "headrace/base/big_array.hpp"
#include "headrace/base/hints.hpp"

namespace headrace {

/// Where in a DedupTable's ring the entry of a hash stands: buckets of a cache line, 15 slots each for 8 entries
/// on average. A bucket is searched as a whole, without a branch a slot: with open addressing by single slots the
/// branches that nobody can foretell cost more than the cache misses (docs/experiments.md).
///
/// Entries are numbered as they are placed, and an entry that gives way is not taken out: that would be a second bucket,
/// anywhere in memory, for each that comes. Its slot is emptied by the next entry of the bucket that comes after.
///
/// A slot is 0, or the number's lowest bits, enough for two turns of the ring, + 1, and above them a tag, as many bits
/// of the hash as there is room for, so that most misses are told from the index alone. An entry that finds its own
/// bucket full goes into one of the next; its own one remembers how far the farthest went, and when the last did.
///
/// Threads:   one.   Allocates: constructor only: 8 bytes an entry.
/// Limits:    an entry whose bucket and the next seven are full is refused: about one in 10^16 by chance; a sender
///            who can choose keys by their hash could.
/// Invariant: an entry of the ring has a slot with its number. A slot may show a number that has come round: whoever
///            finds looks at the entry itself.
class DedupIndex {
 public:
  /// Which entries the ring holds: `count` of them, from number `first` on.
  struct Ring {
    std::uint64_t first = 0;
    std::uint32_t count = 0;
  };

  /// `entries`: a power of two, at least 64.
  explicit DedupIndex(std::uint32_t entries)
      : number_bits_(
            static_cast<std::uint32_t>(std::bit_width(2 * entries))),  // for number + 1, up to 2 * entries
        numbers_mask_(2 * entries - 1),
        epoch_shift_(static_cast<std::uint32_t>(std::bit_width(entries)) - 1 - kEpochBitsATurn),
        mask_(entries / kEntriesEach - 1),
        buckets_(mask_ + std::size_t{1}) {}

  /// The lowest bits of the number for which is(those) says yes; kNone.
  template <class Is>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, Ring ring, Is&& is) const noexcept {
    const Bucket& own = buckets_[home(hash)];
    std::uint32_t found = look_into(own, hash, is);
    if (found != kNone || own.reach == 0) [[likely]]
      return found;
    if (!may_have_strays(own, ring)) return kNone;
    for (std::uint32_t far = 1; far <= own.reach && found == kNone; ++far) {
      found = look_into(buckets_[(home(hash) + far) & mask_], hash, is);
    }
    return found;
  }

  /// Of an entry that will be the ring's newest. False: refused.
  [[nodiscard]] bool insert(std::uint64_t hash, std::uint64_t number, Ring ring) noexcept {
    Bucket& own = buckets_[home(hash)];
    for (std::uint32_t far = 0; far <= kFarthest; ++far) {
      Bucket& bucket = buckets_[(home(hash) + far) & mask_];
      const std::uint32_t empty = sweep(bucket, ring);
      if (empty == 0) [[unlikely]]
        continue;
      bucket.slots[static_cast<std::uint32_t>(std::countr_zero(empty))] = slot_of(hash, number);
      if (far != 0) {
        own.reach =
            std::max(may_have_strays(own, ring) ? own.reach : std::uint16_t{0}, static_cast<std::uint16_t>(far));
        own.last_stray = epoch(number);
      }
      return true;
    }
    return false;
  }

  /// The entry is still in the ring and gets a new number: the ring turned by one.
  void renumber(std::uint64_t hash, std::uint64_t from, std::uint64_t to) noexcept {
    Bucket& own = buckets_[home(hash)];
    for (std::uint32_t far = 0; far <= own.reach; ++far) {
      Bucket& bucket = buckets_[(home(hash) + far) & mask_];
      const std::uint32_t hit = equal(bucket, slot_of(hash, from), ~0U);
      if (hit == 0) continue;
      bucket.slots[static_cast<std::uint32_t>(std::countr_zero(hit))] = slot_of(hash, to);
      if (far != 0) own.last_stray = epoch(to);
      return;
    }
  }

  /// The memory that the hash's look-up will touch.
  void ask_for(std::uint64_t hash) const noexcept { prefetch_for_write(&buckets_[home(hash)]); }

  [[nodiscard]] std::size_t memory_bytes() const noexcept { return buckets_.size() * sizeof(Bucket); }

  static constexpr std::uint32_t kNone = ~0U;

 private:
  static constexpr std::uint32_t kEntriesEach = 8;
  static constexpr std::uint32_t kSlots = 15;
  static constexpr std::uint32_t kFarthest = 7;

  static constexpr std::uint32_t kEpochBitsATurn = 2;

  struct alignas(64) Bucket {
    std::array<std::uint32_t, kSlots> slots;
    std::uint16_t last_stray;  ///< the epoch when an entry of this bucket last went into another
    std::uint16_t reach;       ///< how far away at most, of those that may still be there
  };
  static_assert(sizeof(Bucket) == 64);
  using Four [[gnu::vector_size(16)]] = std::uint32_t;
  using SignedFour [[gnu::vector_size(16)]] = std::int32_t;

  [[nodiscard]] std::uint32_t home(std::uint64_t hash) const noexcept {
    return static_cast<std::uint32_t>(hash) & mask_;
  }
  [[nodiscard]] std::uint32_t tag(std::uint64_t hash) const noexcept {
    return static_cast<std::uint32_t>(hash >> 32) << number_bits_;
  }
  [[nodiscard]] std::uint32_t slot_of(std::uint64_t hash, std::uint64_t number) const noexcept {
    return tag(hash) | ((static_cast<std::uint32_t>(number) & numbers_mask_) + 1);
  }
  /// A quarter of a turn of the ring.
  [[nodiscard]] std::uint16_t epoch(std::uint64_t number) const noexcept {
    return static_cast<std::uint16_t>(number >> epoch_shift_);
  }
  /// Not after a whole turn. Epochs come round: then it looks as if there were some, and costs a look.
  [[nodiscard]] bool may_have_strays(const Bucket& own, Ring ring) const noexcept {
    const auto since = static_cast<std::uint16_t>(epoch(ring.first + ring.count) - own.last_stray);
    return since <= (1U << kEpochBitsATurn);
  }

  template <class Is>
  [[nodiscard]] std::uint32_t look_into(const Bucket& bucket, std::uint64_t hash, Is&& is) const noexcept {
    const std::uint32_t tag_bits = ~0U << number_bits_;
    for (std::uint32_t hits = equal(bucket, tag(hash), tag_bits); hits != 0; hits &= hits - 1) {
      const std::uint32_t slot = bucket.slots[static_cast<std::uint32_t>(std::countr_zero(hits))];
      const std::uint32_t number = (slot & ~tag_bits) - 1;
      // A tag of zeros looks like an empty slot.
      if (slot != 0 && is(number)) return number;
    }
    return kNone;
  }

  /// A bit for each slot that agrees with `wanted` in the bits of `of`.
  [[nodiscard]] static std::uint32_t equal(const Bucket& bucket, std::uint32_t wanted, std::uint32_t of) noexcept {
    Four bits{};
    for (std::uint32_t i = 0; i < 4; ++i) {
      Four slots;
      std::memcpy(&slots, reinterpret_cast<const std::byte*>(&bucket) + i * sizeof slots, sizeof slots);
      bits |= reinterpret_cast<Four>((slots & of) == wanted) & (Four{1, 2, 4, 8} << (4 * i));
    }
    return (bits[0] | bits[1] | bits[2] | bits[3]) & ((1U << kSlots) - 1);
  }
  /// Empties the slots of entries that the ring does not hold any more, while their numbers still tell it: after another
  /// turn they look held. Answers the empty ones.
  [[nodiscard]] std::uint32_t sweep(Bucket& bucket, Ring ring) const noexcept {
    const std::uint32_t first_slot = static_cast<std::uint32_t>(ring.first) + 1;
    Four bits{};
    for (std::uint32_t i = 0; i < 4; ++i) {
      std::byte* const at = reinterpret_cast<std::byte*>(&bucket) + i * sizeof(Four);
      Four slots;
      std::memcpy(&slots, at, sizeof slots);
      // Signed, which one instruction compares: numbers take 25 bits at most.
      const auto after_first = reinterpret_cast<SignedFour>((slots - first_slot) & numbers_mask_);
      Four held = reinterpret_cast<Four>(after_first < static_cast<std::int32_t>(ring.count));
      if (i == 3) held[3] = ~0U;  // no slot
      slots &= held;
      std::memcpy(at, &slots, sizeof slots);
      bits |= reinterpret_cast<Four>(slots == 0) & (Four{1, 2, 4, 8} << (4 * i));
    }
    return (bits[0] | bits[1] | bits[2] | bits[3]) & ((1U << kSlots) - 1);
  }

  const std::uint32_t number_bits_;
  const std::uint32_t numbers_mask_;
  const std::uint32_t epoch_shift_;
  const std::uint32_t mask_;
  BigArray<Bucket> buckets_;
};

}  // namespace headrace
