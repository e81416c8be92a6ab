#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

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

/// memcpy by non-temporal stores. They are weakly ordered: the fence at the end puts them before a release store.
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
  _mm_sfence();
#else
  std::memcpy(to, from, bytes);
#endif
}

/// Whether copy_non_temporal is more than memcpy here.
#if defined(__x86_64__)
inline constexpr bool kHasNonTemporalStores = true;
#else
inline constexpr bool kHasNonTemporalStores = false;
#endif

inline void copy_bulk(void* to, const void* from, std::size_t bytes, Handover handover) noexcept {
  const std::size_t threshold = handover == Handover::automatic      ? kNonTemporalBytes
                                : handover == Handover::non_temporal ? kNonTemporalBytesMin
                                                                     : SIZE_MAX;
  if (kHasNonTemporalStores && bytes >= threshold) {
    copy_non_temporal(to, from, bytes);
  } else {
    std::memcpy(to, from, bytes);
  }
}

}  // namespace headrace
