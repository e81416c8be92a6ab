#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "headrace/dispatch/dispatch_entry.hpp"
#include "headrace/dispatch/publisher_state.hpp"
#include "headrace/dispatch/routes.hpp"

namespace headrace {

/// What a handler may ask about the events it was given, and how it publishes from inside. Valid during the call.
/// @thread worker
class Context {
 public:
  /// The worker has one for all its events: setting up another for each would cost a frame of one event dearly.
  Context(unsigned worker, PublisherState& publisher, Dispatcher& dispatcher) noexcept
      : worker_(worker), publisher_(publisher), dispatcher_(dispatcher) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] std::string_view topic() const noexcept { return entry_->topic->name; }
  [[nodiscard]] std::string_view subscription() const noexcept { return subscription_->name; }
  [[nodiscard]] unsigned worker() const noexcept { return worker_; }
  /// The hash of this event's key; of the first event in a batch.
  [[nodiscard]] std::uint64_t key() const noexcept { return entry_->ops->key_hash(first_); }

  /// Publishes on this worker's own lanes. Never blocks: what finds a lane full waits behind it, within
  /// DispatcherOptions::handler_backlog_events.
  template <class T>
  requires Event<std::remove_cvref_t<T>> PublishResult publish(T&& event) {
    return publisher_.publish<std::remove_cvref_t<T>>(std::forward<T>(event));
  }
  template <class T>
  requires Event<std::remove_cvref_t<T>> PublishResult publish(std::string_view topic, T&& event) {
    return publisher_.publish<std::remove_cvref_t<T>>(topic, std::forward<T>(event));
  }

  // What follows is for the dispatcher's own use.
  void set_entry(const DispatchEntry& entry, const void* events) noexcept {
    entry_ = &entry;
    first_ = events;
  }
  void set_first(const void* event) noexcept { first_ = event; }
  void set_subscription(const SubscriptionState& subscription) noexcept { subscription_ = &subscription; }
  [[nodiscard]] const EventOps& ops() const noexcept { return *entry_->ops; }
  [[nodiscard]] Dispatcher& dispatcher() noexcept { return dispatcher_; }

 private:
  const unsigned worker_;
  PublisherState& publisher_;
  Dispatcher& dispatcher_;
  const DispatchEntry* entry_ = nullptr;
  const SubscriptionState* subscription_ = nullptr;
  const void* first_ = nullptr;
};

}  // namespace headrace
