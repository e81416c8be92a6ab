#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "headrace/dispatch/publisher_state.hpp"

namespace headrace {

/// A producer's handle: its own lane to each worker. Move-only, for one thread at a time; the bus gives out
/// DispatcherOptions::publishers_max of them and takes each back when it is destroyed.
///
/// Order:     events of one Publisher and one key reach a group in the order published.
/// Progress:  wait-free while the lane has room; then the group's overflow policy decides.
/// Lifetime:  may outlive the bus; publishing then answers `closed`.
class Publisher {
 public:
  Publisher(Publisher&& other) noexcept
      : dispatcher_(std::move(other.dispatcher_)), state_(std::exchange(other.state_, nullptr)) {}
  Publisher& operator=(Publisher&& other) noexcept {
    give_back();
    dispatcher_ = std::move(other.dispatcher_);
    state_ = std::exchange(other.state_, nullptr);
    return *this;
  }
  ~Publisher() { give_back(); }

  /// Publishes to the event type's own topic. An event that is not taken stays with the caller, not moved from.
  /// @thread publisher  @alloc none if the event is trivially copyable
  template <class T>
  requires Event<std::remove_cvref_t<T>> PublishResult publish(T&& event) {
    if (state_ == nullptr) [[unlikely]]
      return {PublishStatus::too_many_publishers, 0};
    return state_->publish<std::remove_cvref_t<T>>(std::forward<T>(event));
  }
  /// Publishes to a topic known at run time. Its first use looks the topic up under a lock, later ones do not.
  template <class T>
  requires Event<std::remove_cvref_t<T>> PublishResult publish(std::string_view topic, T&& event) {
    if (state_ == nullptr) [[unlikely]]
      return {PublishStatus::too_many_publishers, 0};
    return state_->publish<std::remove_cvref_t<T>>(topic, std::forward<T>(event));
  }
  /// Publishes with an id, correlation, or time to live: publish(order, {.expires_after = 5s}).
  template <class T>
  requires Event<std::remove_cvref_t<T>> PublishResult publish(T&& event, const PublishOptions& options) {
    if (state_ == nullptr) [[unlikely]]
      return {PublishStatus::too_many_publishers, 0};
    return state_->publish_with<std::remove_cvref_t<T>>(state_->meta_of(options, nullptr), std::forward<T>(event));
  }
  template <class T>
  requires Event<std::remove_cvref_t<T>> PublishResult publish(std::string_view topic, T&& event,
                                                               const PublishOptions& options) {
    if (state_ == nullptr) [[unlikely]]
      return {PublishStatus::too_many_publishers, 0};
    return state_->publish_with<std::remove_cvref_t<T>>(topic, state_->meta_of(options, nullptr),
                                                        std::forward<T>(event));
  }
  /// Builds the event where the worker will read it, without a copy.
  template <Event T, class... Args>
  PublishResult emplace(Args&&... args) {
    if (state_ == nullptr) [[unlikely]]
      return {PublishStatus::too_many_publishers, 0};
    return state_->emplace<T>(std::forward<Args>(args)...);
  }
  /// Publishes a run of events; accepted() says how many were taken.
  template <Event T>
  PublishResult publish(std::span<const T> events) {
    if (state_ == nullptr) [[unlikely]]
      return {PublishStatus::too_many_publishers, 0};
    return state_->publish(events);
  }
  template <Event T>
  PublishResult publish(std::span<T> events) {
    return publish(std::span<const T>(events));
  }

  /// Hears of this publisher's lanes, beside DispatcherOptions::on_watermark and under the same rules; it must not
  /// publish. Before the first publish. Once the publisher has gone it is not called, and does not run any more.
  void on_watermark(std::function<void(const Watermark&)> heard) {
    if (state_ != nullptr) state_->on_watermark(std::move(heard));
  }

  /// A publish that waits for room answers `closed`, and from now on all that cannot go through at once. @thread any
  void close() noexcept {
    if (state_ != nullptr) state_->close_and_wake();
  }

 private:
  friend class Dispatcher;
  Publisher(std::shared_ptr<Dispatcher> dispatcher, PublisherState* state) noexcept
      : dispatcher_(std::move(dispatcher)), state_(state) {}
  void give_back() noexcept;

  std::shared_ptr<Dispatcher> dispatcher_;
  PublisherState* state_;
};

}  // namespace headrace
