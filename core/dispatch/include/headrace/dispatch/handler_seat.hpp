#pragma once

#include <utility>

#include "headrace/dispatch/context.hpp"
#include "headrace/dispatch/worker.hpp"

namespace headrace {

/// What a handler's call has in place of its worker's own context and publisher, so that the worker can go on without
/// it on another thread. Whatever the call may reach is here, or is anybody's; so a handler that was left behind
/// publishes as before, by lanes that nobody else writes to.
///
/// Threads:   set up by the worker between two calls; in one, used by the thread that runs the handler only.
class HandlerSeat {
 public:
  HandlerSeat(unsigned worker, PublisherState& publisher, Dispatcher& dispatcher) noexcept
      : context_(worker, publisher, dispatcher), publisher_(publisher) {}
  HandlerSeat(const HandlerSeat&) = delete;
  HandlerSeat& operator=(const HandlerSeat&) = delete;

  [[nodiscard]] Context& context() noexcept { return context_; }
  [[nodiscard]] const Context& context() const noexcept { return context_; }
  [[nodiscard]] PublisherState& publisher() noexcept { return publisher_; }

  /// The seat that this thread's handler has; null: none, or one of a worker's own.
  [[nodiscard]] static HandlerSeat* current() noexcept;
  /// While in scope, this thread runs a handler in that seat, and is no worker.
  class Scope {
   public:
    explicit Scope(HandlerSeat& seat) noexcept;
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    HandlerSeat* outer_;
    const Worker::NoneScope none_;
  };

  /// The running handler ended its own subscription: destroy it when it returns.
  void end_after_run(SubscriptionState& subscription) noexcept { ended_inside_ = &subscription; }
  /// Does so. After the call, on its thread.
  void destroy_ended() noexcept {
    if (ended_inside_ != nullptr) std::exchange(ended_inside_, nullptr)->handler.reset();
  }

 private:
  Context context_;
  PublisherState& publisher_;
  SubscriptionState* ended_inside_ = nullptr;
};

}  // namespace headrace
