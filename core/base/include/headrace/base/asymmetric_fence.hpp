#pragma once

#if defined(HEADRACE_MODEL_ATOMICS)
#include "headrace/base/atomic.hpp"
#else

#include <atomic>

namespace headrace {

/// A store-load fence whose cost lies on one side (Dice, Huang, Yang: "Asymmetric Dekker Synchronization", 2001).
///
/// The frequent side calls asymmetric_fence_light() between its store and its load; the rare side calls
/// asymmetric_fence_heavy() between its own. Then at least one of the two loads sees the other's store.
/// Light is a compiler barrier; heavy is membarrier(PRIVATE_EXPEDITED), which makes every running thread of
/// this process execute a full barrier (Linux 4.14 and later). Where the kernel lacks it both are seq_cst fences.
///
/// @thread any  @progress light: wait-free; heavy: a system call, tens of microseconds on a virtual machine

namespace detail {
/// Set once before main, then only read.
extern const bool kHasMembarrier;
void seq_cst_fence_out_of_line() noexcept;
}  // namespace detail

inline void asymmetric_fence_light() noexcept {
  if (detail::kHasMembarrier) [[likely]] {
    std::atomic_signal_fence(std::memory_order_seq_cst);  // A1 <-> A2
  } else {
    detail::seq_cst_fence_out_of_line();
  }
}

void asymmetric_fence_heavy() noexcept;

/// Whether the light side is free on this machine.
[[nodiscard]] inline bool has_membarrier() noexcept { return detail::kHasMembarrier; }

}  // namespace headrace

#endif
