#pragma once

#include <memory>
#include <utility>

#include "headrace/dispatch/subscription_state.hpp"

namespace headrace {

/// Keeps a handler subscribed. After its destructor returned the handler is not running and never runs again;
/// inside the handler itself: it finishes, then never again. May be destroyed before or after the bus, on any
/// thread.
///
/// Two handlers on different workers that destroy each other's subscriptions at the same moment would wait for
/// each other for ever; end a subscription from its own handler or from outside instead.
class [[nodiscard]] Subscription {
 public:
  Subscription() = default;
  Subscription(Subscription&&) noexcept = default;
  Subscription& operator=(Subscription&& other) noexcept {
    end();
    dispatcher_ = std::move(other.dispatcher_);
    state_ = std::move(other.state_);
    return *this;
  }
  ~Subscription() { end(); }

  /// What the destructor does, now.
  void end() noexcept;
  [[nodiscard]] bool active() const noexcept { return state_ != nullptr; }

 private:
  friend class Dispatcher;
  Subscription(std::shared_ptr<class Dispatcher> dispatcher, std::shared_ptr<SubscriptionState> state) noexcept
      : dispatcher_(std::move(dispatcher)), state_(std::move(state)) {}

  std::shared_ptr<class Dispatcher> dispatcher_;
  std::shared_ptr<SubscriptionState> state_;
};

}  // namespace headrace
