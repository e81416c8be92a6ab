#pragma once

#include <cstddef>
#include <cstdint>

namespace headrace {

#if !defined(HEADRACE_MODEL_ATOMICS)  // the model's pause() is a scheduling point
/// Tells the core that this is a spin loop. About 25 ns on recent x86; on ARM64 `isb` stalls the pipeline for
/// a comparable time, where `yield` is a no-op on cores without SMT.
inline void pause() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}
#endif

// The empty asm: g++ takes a function that does nothing but prefetch for one without effect, and drops those
// calls of it that it has not inlined by then. tests/lint/prefetches.py looks whether they are there.

/// Asks for a line in exclusive state ahead of a store to it.
inline void prefetch_for_write(const void* address) noexcept {
#if defined(__x86_64__)
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
#else
  asm volatile("");
  __builtin_prefetch(address, 1, 3);
#endif
}

inline void prefetch_for_read(const void* address) noexcept {
  asm volatile("");
  __builtin_prefetch(address, 0, 3);
}

}  // namespace headrace
