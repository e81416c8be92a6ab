#pragma once

#include "headrace/base/atomic.hpp"

namespace headrace {

/// Which subscription's handler a worker runs: what an unsubscriber waits for, at no cost to the worker but two
/// stores.
///
/// Threads:   enter and leave by the worker; running by anyone, cancel by an unsubscriber.
/// Ordering:  S1 -> S3   a worker that was refused sees who takes the subscription's place
///            H1 -> H2, S1 -> S2  with the fences F1 <-> F2: an unsubscriber sees the handler running, or the
///                      worker sees the subscription cancelled
///            H3 -> H2   an unsubscriber that saw the handler gone sees all it did; the next handler's H1 tells it,
///                       too
template <class Subscription>
class RunningHandler {
 public:
  /// False: the subscription was cancelled, its handler must not start. leave() follows either way. @thread worker
  [[nodiscard]] bool enter(const Subscription& subscription) noexcept {
    running_.store(&subscription, std::memory_order_release);        // H1 -> H2
    asymmetric_fence_light();                                        // F1 <-> F2
    return !subscription.cancelled.load(std::memory_order_relaxed);  // S2 <- S1
  }
  /// @thread worker
  void leave() noexcept {
    running_.store(nullptr, std::memory_order_release);  // H3 -> H2
  }

  /// After enter() said no: what the unsubscriber did before cancel() is seen. @thread worker
  static void see_cancel(const Subscription& subscription) noexcept {
    static_cast<void>(subscription.cancelled.load(std::memory_order_acquire));  // S3 <- S1
  }

  /// No handler of this subscription starts after this, on any worker. One may still be running: see running().
  /// @thread unsubscriber
  static void cancel(Subscription& subscription) noexcept {
    subscription.cancelled.store(true, std::memory_order_release);  // S1 -> S2, S1 -> S3
    asymmetric_fence_heavy();                                       // F2 <-> F1
  }
  /// @thread any
  [[nodiscard]] const Subscription* running() const noexcept {
    return running_.load(std::memory_order_acquire);  // H2 <- H1, H3
  }

 private:
  // owner: worker
  Atomic<const Subscription*> running_{nullptr};
};

}  // namespace headrace
