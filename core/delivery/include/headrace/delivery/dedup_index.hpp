#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "headrace/base/big_array.hpp"

namespace headrace {

/// Where in a DedupTable's ring the entry of a hash stands: buckets of a cache line, 15 slots each for 8 entries
/// on average. A bucket is searched as a whole, without a branch a slot: with open addressing by single slots the
/// branches that nobody can foretell cost more than the cache misses (docs/experiments.md).
///
/// A slot is 0, or the entry's place + 1 and above it a tag, as many bits of the hash as there is room for, so
/// that most misses are told from the index alone. An entry that finds its own bucket full goes into one of the
/// next; its own one counts it among its strays and remembers how far the farthest went.
///
/// Threads:   one.   Allocates: constructor only: 8 bytes an entry.
/// Limits:    an entry whose bucket and the next seven are full is refused: about one in 10^16 by chance; a sender
///            who can choose keys by their hash could.
class DedupIndex {
 public:
  static constexpr std::uint32_t kNone = ~0U;

  /// `entries`: a power of two, at least 64.
  explicit DedupIndex(std::uint32_t entries)
      : place_bits_(static_cast<std::uint32_t>(std::bit_width(entries))),  // for place + 1, up to `entries` itself
        mask_(entries / kEntriesEach - 1),
        buckets_(mask_ + std::size_t{1}) {}

  /// The place for which is(place) says yes.
  template <class Is>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, Is&& is) const noexcept {
    const std::uint32_t wanted = tag(hash);
    const std::uint32_t tag_bits = ~0U << place_bits_;
    const Bucket& own = buckets_[home(hash)];
    std::uint32_t found = kNone;
    const auto look_into = [&](const Bucket& bucket) {
      for (std::uint32_t hits = equal(bucket, wanted, tag_bits); hits != 0; hits &= hits - 1) {
        const std::uint32_t slot = bucket.slots[static_cast<std::uint32_t>(std::countr_zero(hits))];
        // A tag of zeros looks like an empty slot.
        if (slot == 0 || !is((slot & ~tag_bits) - 1)) continue;
        found = (slot & ~tag_bits) - 1;
        return true;
      }
      return false;
    };
    if (look_into(own) || own.strays == 0) [[likely]]
      return found;
    for (std::uint32_t far = 1; far <= own.reach; ++far) {
      if (look_into(buckets_[(home(hash) + far) & mask_])) break;
    }
    return found;
  }

  [[nodiscard]] bool insert(std::uint64_t hash, std::uint32_t place) noexcept {
    Bucket& own = buckets_[home(hash)];
    for (std::uint32_t far = 0; far <= kFarthest; ++far) {
      Bucket& bucket = buckets_[(home(hash) + far) & mask_];
      const std::uint32_t empty = equal(bucket, 0, ~0U);
      if (empty == 0) [[unlikely]]
        continue;
      bucket.slots[static_cast<std::uint32_t>(std::countr_zero(empty))] = tag(hash) | (place + 1);
      if (far != 0) {
        own.reach = std::max(own.reach, static_cast<std::uint16_t>(far));
        ++own.strays;
      }
      return true;
    }
    return false;
  }

  /// It was inserted.
  void erase(std::uint64_t hash, std::uint32_t place) noexcept {
    Bucket& own = buckets_[home(hash)];
    for (std::uint32_t far = 0; far <= own.reach; ++far) {
      Bucket& bucket = buckets_[(home(hash) + far) & mask_];
      const std::uint32_t hit = equal(bucket, tag(hash) | (place + 1), ~0U);
      if (hit == 0) continue;
      bucket.slots[static_cast<std::uint32_t>(std::countr_zero(hit))] = 0;
      if (far != 0 && --own.strays == 0) own.reach = 0;
      return;
    }
  }

  /// The memory that the hash's look-up will touch.
  void ask_for(std::uint64_t hash) const noexcept { __builtin_prefetch(&buckets_[home(hash)], 1); }

  [[nodiscard]] std::size_t memory_bytes() const noexcept { return buckets_.size() * sizeof(Bucket); }

 private:
  static constexpr std::uint32_t kEntriesEach = 8;
  static constexpr std::uint32_t kSlots = 15;
  static constexpr std::uint32_t kFarthest = 7;

  struct alignas(64) Bucket {
    std::array<std::uint32_t, kSlots> slots;
    std::uint16_t strays;  ///< entries of this bucket that stand in others
    std::uint16_t reach;   ///< how far away at most
  };
  static_assert(sizeof(Bucket) == 64);

  [[nodiscard]] std::uint32_t home(std::uint64_t hash) const noexcept {
    return static_cast<std::uint32_t>(hash) & mask_;
  }
  [[nodiscard]] std::uint32_t tag(std::uint64_t hash) const noexcept {
    return static_cast<std::uint32_t>(hash >> 32) << place_bits_;
  }
  /// A bit for each slot that agrees with `wanted` in the bits of `of`.
  [[nodiscard]] static std::uint32_t equal(const Bucket& bucket, std::uint32_t wanted, std::uint32_t of) noexcept {
    using Four [[gnu::vector_size(16)]] = std::uint32_t;
    Four bits{};
    for (std::uint32_t i = 0; i < 4; ++i) {
      Four slots;
      std::memcpy(&slots, reinterpret_cast<const std::byte*>(&bucket) + i * sizeof slots, sizeof slots);
      const Four agrees = reinterpret_cast<Four>((slots & of) == wanted);
      bits |= agrees & (Four{1, 2, 4, 8} << (4 * i));
    }
    return (bits[0] | bits[1] | bits[2] | bits[3]) & ((1U << kSlots) - 1);
  }

  const std::uint32_t place_bits_;
  const std::uint32_t mask_;
  BigArray<Bucket> buckets_;
};

}  // namespace headrace
