#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "headrace/base/atomic.hpp"
#include "headrace/base/cache_line.hpp"

namespace headrace {

/// As many slots as share a cache line with their header; one for bigger events.
template <class T>
inline constexpr std::size_t kSpscGroupSlots = [] {
  constexpr std::size_t header = std::max(sizeof(std::uint64_t), alignof(T));
  return header + sizeof(T) > kCacheLineBytes ? 1 : (kCacheLineBytes - header) / sizeof(T);
}();

/// Slots of an SpscRing and the header word that commits them.
///
/// Stores reach the cache in the order in which they were made, so a producer that writes event, header, event,
/// header goes fastest when they follow one another in memory. Hence many slots in the line of their header, or
/// a slot with its header behind it, packed. (64-byte events whose header had a line of its own, for 31 of them,
/// streamed at 80 % of the rate.)
template <class T, std::size_t slots_of_group>
struct alignas(kCacheLineBytes) SpscGroup {
  Atomic<std::uint64_t> header{0};
  Cell<T> slots[slots_of_group];
};
template <class T>
struct SpscGroup<T, 1> {
  Cell<T> slots[1];
  Atomic<std::uint64_t> header{0};
};

}  // namespace headrace
