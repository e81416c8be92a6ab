#pragma once

#include "headrace/base/atomic.hpp"

namespace headrace {

/// Whether a worker has stopped polling a lane, so that its publisher has to ring: once a doze.
///
/// Threads:   one worker, one publisher.
/// Ordering:  D1 -> D2  with the fences F1 <-> F2: the publisher sees the doze, or the worker sees the publisher's
///                      event when it looks once more
///            D1 -> D3  who ends a doze sees all that was written before it began, so also that the bus stopped
class Doze {
 public:
  /// A heavy fence follows, fence() or that of prepare_wait, then a last look at the lane. @thread worker
  void begin() noexcept {
    dozing_.store(true, std::memory_order_release);  // D1 -> D2, D1 -> D3
  }
  static void fence() noexcept {
    asymmetric_fence_heavy();  // F2 <-> F1
  }
  /// The last look found something. @thread worker
  void cancel() noexcept {
    dozing_.store(false, std::memory_order_relaxed);  // no partner: a ring meanwhile is answered as usual
  }

  /// Asked after each event; the rest of the way is end(). @thread publisher
  [[nodiscard]] bool was_begun() const noexcept {
    asymmetric_fence_light();                        // F1 <-> F2
    return dozing_.load(std::memory_order_relaxed);  // D2 <- D1
  }
  /// True: ring now. @thread publisher
  [[nodiscard]] bool end() noexcept {
    return dozing_.exchange(false, std::memory_order_acquire);  // D3 <- D1
  }

 private:
  // Written by the worker when it stops polling, and taken back by the publisher that rings.
  Atomic<bool> dozing_{true};
};

}  // namespace headrace
