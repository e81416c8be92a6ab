#pragma once

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "harness/bench.hpp"
#include "headrace/base/cache_line.hpp"
#include "headrace/base/hints.hpp"
#include "headrace/ring/slot_array.hpp"

/// What the machine itself allows: the least that two threads can do to pass something on.
namespace headrace::bench {

/// A value and its flag in one line.
struct alignas(kNoSharingBytes) Flagged {
  std::atomic<std::uint64_t> flag{0};
  std::uint64_t value = 0;

  void send(std::uint64_t number) {
    value = number;
    flag.store(number, std::memory_order_release);  // M1 -> M2
  }
  [[nodiscard]] std::uint64_t receive(std::uint64_t number) const {
    while (flag.load(std::memory_order_acquire) != number) {  // M2 <- M1
    }
    return value;
  }
};

/// Nanoseconds that a value takes there and back, with neither ring nor pause.
inline double bare_round_trip(Context& context) {
  return context.nanoseconds_each([&](std::uint64_t trips) {
    Flagged there;
    Flagged back;
    std::uint64_t sum = 0;
    const double seconds = context.run_pinned(
        [&] {
          for (std::uint64_t i = 1; i <= trips; ++i) {
            there.send(i);
            sum += back.receive(i);
          }
        },
        [&] {
          for (std::uint64_t i = 1; i <= trips; ++i) back.send(there.receive(i));
        });
    Context::require(sum == trips * (trips + 1) / 2, "sum of payloads");
    return seconds;
  });
}

enum class Stores { ordinary, non_temporal };

/// Fills a chunk with the numbers from `next` on.
template <Stores stores>
void fill(std::uint64_t* chunk, std::size_t words, std::uint64_t next) {
#if defined(__x86_64__)
  if constexpr (stores == Stores::non_temporal) {
    __m128i pair = _mm_set_epi64x(static_cast<long long>(next + 1), static_cast<long long>(next));
    const __m128i step = _mm_set1_epi64x(2);
    for (std::size_t i = 0; i < words; i += 2) {
      _mm_stream_si128(reinterpret_cast<__m128i*>(chunk + i), pair);
      pair = _mm_add_epi64(pair, step);
    }
    _mm_sfence();
    return;
  }
#endif
  for (std::size_t i = 0; i < words; ++i) chunk[i] = next + i;
}

/// GB/s of 64 KiB chunks written in place in 512 KiB, passed on by an index, and summed.
template <Stores stores>
double bare_handover(Context& context) {
  constexpr std::size_t kWords = 64 * 1024 / sizeof(std::uint64_t);
  constexpr std::uint64_t kChunks = 8;
  const double millions = context.millions_per_second([&](std::uint64_t wanted) {
    const std::uint64_t chunks = wanted / 1024 + 1;
    SlotArray<std::uint64_t> memory(kWords * kChunks);
    Flagged written;
    Flagged read;
    std::uint64_t sum = 0;
    const double seconds = context.run_pinned(
        [&] {
          for (std::uint64_t i = 0; i < chunks; ++i) {
            while (i - read.flag.load(std::memory_order_acquire) >= kChunks) pause();  // R2 <- R1
            fill<stores>(memory.data() + i % kChunks * kWords, kWords, i * kWords + 1);
            written.flag.store(i + 1, std::memory_order_release);  // W1 -> W2
          }
        },
        [&] {
          std::uint64_t own_sum = 0;
          for (std::uint64_t i = 0; i < chunks; ++i) {
            while (written.flag.load(std::memory_order_acquire) <= i) pause();  // W2 <- W1
            const std::uint64_t* chunk = memory.data() + i % kChunks * kWords;
            for (std::size_t k = 0; k < kWords; ++k) own_sum += chunk[k];
            read.flag.store(i + 1, std::memory_order_release);  // R1 -> R2
          }
          sum = own_sum;
        });
    const std::uint64_t words = chunks * kWords;
    Context::require(sum == words * (words + 1) / 2, "sum of payloads");
    return seconds * static_cast<double>(wanted) / static_cast<double>(chunks);
  });
  return millions * 1e6 * static_cast<double>(kWords * sizeof(std::uint64_t)) / 1e9;
}

}  // namespace headrace::bench
