#include "headrace/base/asymmetric_fence.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "headrace/base/check.hpp"

namespace headrace {
namespace {

bool register_membarrier() noexcept {
  return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

}  // namespace

namespace detail {

// Constant initialisation leaves it false, so a fence that runs before this line takes the slow and safe way.
// Heavy asks the same variable: both sides always agree, and a light fence that took the slow way is a full one.
const bool kHasMembarrier = register_membarrier();

void seq_cst_fence_out_of_line() noexcept {
  std::atomic_thread_fence(std::memory_order_seq_cst);  // A2 <-> A1, whichever side asks
}

}  // namespace detail

void asymmetric_fence_heavy() noexcept {
  if (!detail::kHasMembarrier) [[unlikely]] {
    detail::seq_cst_fence_out_of_line();
    return;
  }
  // The light sides rely on it by now. A kernel short of memory may refuse for a while; a sandbox that forbids the
  // call after start-up must not go unnoticed, since wake-ups would be lost.
  while (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) {  // A2 <-> A1
    HEADRACE_CHECK("fence.membarrier", errno == ENOMEM, "membarrier worked at start-up and is refused now");
  }
}

}  // namespace headrace
