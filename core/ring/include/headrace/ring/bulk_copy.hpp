#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "headrace/base/cache_line.hpp"

namespace headrace {

/// How a big batch is stored.
///
/// Ordinary stores leave the lines in the producer's cache, from which the consumer fetches them one by one.
/// Non-temporal stores push them out to memory (or to a cache that both share) without reading them first.
enum class Handover {
  automatic,     ///< non-temporal from kNonTemporalBytes on
  ordinary,      ///< memcpy, always: right when the consumer is known to be on a core that shares a cache
  non_temporal,  ///< from kNonTemporalBytesMin on: right when it is known not to be
};

inline constexpr std::size_t kNonTemporalBytes = 32 * 1024;
inline constexpr std::size_t kNonTemporalBytesMin = 4 * 1024;

/// Whether copy_non_temporal is more than memcpy here.
#if defined(__x86_64__)
inline constexpr bool kHasNonTemporalStores = true;
#else
inline constexpr bool kHasNonTemporalStores = false;
#endif

[[nodiscard]] constexpr bool is_non_temporal(std::size_t bytes, Handover handover) noexcept {
  if (!kHasNonTemporalStores || handover == Handover::ordinary) return false;
  return bytes >= (handover == Handover::automatic ? kNonTemporalBytes : kNonTemporalBytesMin);
}

/// memcpy by non-temporal stores. They are weakly ordered: non_temporal_fence() puts them before a release store.
inline void copy_non_temporal(void* to, const void* from, std::size_t bytes) noexcept {
#if defined(__x86_64__)
  auto* out = static_cast<std::byte*>(to);
  const auto* in = static_cast<const std::byte*>(from);
  constexpr std::size_t kVector = sizeof(__m128i);
  const std::size_t head = (kVector - reinterpret_cast<std::uintptr_t>(out) % kVector) % kVector;
  if (head >= bytes) {
    std::memcpy(out, in, bytes);
    return;
  }
  std::memcpy(out, in, head);
  std::size_t done = head;
  for (; done + kVector <= bytes; done += kVector) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(out + done),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + done)));
  }
  std::memcpy(out + done, in + done, bytes - done);
#else
  std::memcpy(to, from, bytes);
#endif
}

inline void non_temporal_fence() noexcept {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

inline void copy_bulk(void* to, const void* from, std::size_t bytes, Handover handover) noexcept {
  if (is_non_temporal(bytes, handover)) {
    copy_non_temporal(to, from, bytes);
    non_temporal_fence();
  } else {
    std::memcpy(to, from, bytes);
  }
}

/// As many events as fill whole lines, some 256 bytes of them: what build_non_temporal builds at a time. Smaller blocks
/// are read before their stores have left the core's store buffer; larger ones gained nothing.
template <class T>
inline constexpr std::size_t kEventsAtATime = [] {
  constexpr std::size_t kLines = std::lcm(sizeof(T), kCacheLineBytes);
  return kLines / sizeof(T) * (kLines < 256 ? 256 / kLines : 1);
}();

/// Builds make(first), make(first + 1), … at `to`: on the stack, a few at a time, and by copy_non_temporal from there,
/// so that no event is ever read from, or written to, a slower cache. The fence is the caller's.
template <class T, class Make>
void build_non_temporal(T* to, std::size_t first, std::size_t count, Make& make) {
  alignas(kCacheLineBytes) std::byte built[kEventsAtATime<T> * sizeof(T)];
  for (std::size_t done = 0; done < count;) {
    const std::size_t run = std::min(kEventsAtATime<T>, count - done);
    for (std::size_t i = 0; i < run; ++i) {
      std::construct_at(reinterpret_cast<T*>(built + i * sizeof(T)), make(first + done + i));
    }
    copy_non_temporal(to + done, built, run * sizeof(T));
    done += run;
  }
}

}  // namespace headrace
