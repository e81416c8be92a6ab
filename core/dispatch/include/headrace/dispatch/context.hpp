#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include "headrace/dispatch/dispatch_entry.hpp"
#include "headrace/dispatch/publisher_state.hpp"
#include "headrace/dispatch/routes.hpp"
#include "headrace/dispatch/shared_event.hpp"
#include "headrace/event/event_meta.hpp"

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
  [[nodiscard]] std::uint64_t key() const noexcept { return ops().key_hash(first_); }
  /// What came with the event beside its content; null: nothing did.
  [[nodiscard]] const EventMeta* meta() const noexcept { return meta_; }
  /// Which try this is, from 1. Later ones come one event at a time.
  [[nodiscard]] std::uint32_t attempt() const noexcept { return attempt_; }

  /// Publishes on this worker's own lanes, or those of a subscription with OnOverrun::move_shards. Never blocks: what finds a lane full waits behind it, within
  /// DispatcherOptions::handler_backlog_events. While an event with meta is handled, what is published carries its
  /// correlation on, and names it as the cause.
  template <class T>
  requires Event<std::remove_cvref_t<T>> PublishResult publish(T&& event) {
    if (meta_ != nullptr) [[unlikely]]
      return publish(std::forward<T>(event), PublishOptions{});
    return publisher_.publish<std::remove_cvref_t<T>>(std::forward<T>(event));
  }
  template <class T>
  requires Event<std::remove_cvref_t<T>> PublishResult publish(std::string_view topic, T&& event) {
    if (meta_ != nullptr) [[unlikely]]
      return publish(topic, std::forward<T>(event), PublishOptions{});
    return publisher_.publish<std::remove_cvref_t<T>>(topic, std::forward<T>(event));
  }
  template <class T>
  requires Event<std::remove_cvref_t<T>> PublishResult publish(T&& event, const PublishOptions& options) {
    return publisher_.publish_with<std::remove_cvref_t<T>>(publisher_.meta_of(options, meta_),
                                                           std::forward<T>(event));
  }
  template <class T>
  requires Event<std::remove_cvref_t<T>> PublishResult publish(std::string_view topic, T&& event,
                                                               const PublishOptions& options) {
    return publisher_.publish_with<std::remove_cvref_t<T>>(topic, publisher_.meta_of(options, meta_),
                                                           std::forward<T>(event));
  }

  // What follows is for the dispatcher's own use.
  void set_entry(const DispatchEntry& entry, const void* events) noexcept {
    entry_ = &entry;
    first_ = events;
  }
  void set_first(const void* event) noexcept { first_ = event; }
  [[nodiscard]] const void* first() const noexcept { return first_; }
  /// Names the same event as the other one, a single one that was kept.
  void look_at_same(const Context& other) noexcept {
    entry_ = other.entry_;
    subscription_ = other.subscription_;
    first_ = other.first_;
    meta_ = other.meta_;
    attempt_ = other.attempt_;
    again_ = other.again_;
  }
  [[nodiscard]] bool is_of(const SubscriptionState& subscription) const noexcept {
    return subscription_ == &subscription;
  }
  void set_subscription(const SubscriptionState& subscription) noexcept { subscription_ = &subscription; }
  void set_meta(const EventMeta* meta) noexcept { meta_ = meta; }
  /// How many more events with meta lie side by side behind this one.
  void set_behind(std::uint32_t events) noexcept { behind_ = events; }
  /// The meta of the one that comes so many later, or of the last one; null: this is it.
  [[nodiscard]] const EventMeta* meta_ahead(std::uint32_t events) const noexcept {
    if (behind_ == 0) return nullptr;
    const std::uint32_t distance = events < behind_ ? events : behind_;
    return reinterpret_cast<const EventMeta*>(reinterpret_cast<const std::byte*>(meta_) +
                                              std::size_t{distance} * entry_->ops->size);
  }
  void set_again(bool again, std::uint32_t attempt) noexcept {
    again_ = again;
    attempt_ = attempt;
  }
  /// The event was kept before: it waited, or was tried.
  [[nodiscard]] bool is_again() const noexcept { return again_; }
  void set_box(SharedEvent* box) noexcept { box_ = box; }
  [[nodiscard]] const DispatchEntry& entry() const noexcept { return *entry_; }
  [[nodiscard]] const EventOps& ops() const noexcept { return *entry_->ops->payload; }
  /// The event with its meta, as it lies in memory.
  [[nodiscard]] const void* whole() const noexcept {
    return static_cast<const std::byte*>(first_) - entry_->ops->payload_offset;
  }
  /// Where the event is shared by count; null: it lies in a lane.
  [[nodiscard]] SharedEvent* box() const noexcept { return box_; }
  [[nodiscard]] Dispatcher& dispatcher() noexcept { return dispatcher_; }

 private:
  const unsigned worker_;
  PublisherState& publisher_;
  Dispatcher& dispatcher_;
  const DispatchEntry* entry_ = nullptr;
  const SubscriptionState* subscription_ = nullptr;
  const void* first_ = nullptr;
  // Set for the events that have one, and cleared after them.
  const EventMeta* meta_ = nullptr;
  std::uint32_t behind_ = 0;
  SharedEvent* box_ = nullptr;
  std::uint32_t attempt_ = 1;
  bool again_ = false;
};

}  // namespace headrace
