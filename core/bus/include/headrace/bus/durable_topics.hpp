#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "headrace/bus/bus.hpp"
#include "headrace/bus/receipted_event.hpp"
#include "headrace/bus/store_follower.hpp"
#include "headrace/port/event_types.hpp"

namespace headrace {

template <class T>
class DurableTopic;

/// Topics whose events are in the event store before their publish is acknowledged, and reach the bus from there:
/// at least once, in the order of the store, also after a crash.
///
///     hr::DurableTopics durable(bus, *store, store->checkpoints(), types, {.name = "shop"});
///     auto placed = durable.topic<OrderPlaced>();
///     auto billing = bus.subscribe<OrderPlaced>(…);
///     bus.start();
///     durable.start();                               // first what an earlier run has left, then what comes
///     auto position = placed.publish(OrderPlaced{…});  // it is on the disk when this returns
///     …
///     durable.stop(5s);
///     bus.stop(5s);
///
/// Handled:   an event is when all its deliveries are settled: handled, failed for good, in the dead letters, or
///            dropped by a policy. The checkpoint follows the events that were handled without a gap. What was in
///            lanes, between two tries or with a handler when the process ended comes again. Give subscriptions
///            `deduplicated` with a store that lasts where an effect must not come twice, and a dead letter store
///            that lasts.
/// Order:     of the store: one publisher to the bus, so that each key keeps its order. Where it goes back, after a
///            crash or because the last subscription ended with events under way, it goes on in order from there.
/// Nobody subscribes: the event waits, and those behind it: start() comes after the subscriptions.
/// A subscription that ends beside others is owed nothing more: stop() comes before it.
/// A damaged or newer event: dispatching stands still there, and status() says where; resume() tries it again. It is no
///            dead letter, because it is in the store already, and what stands behind it may build on it: order is
///            kept, nothing is lost, and a program that knows its version goes on with it.
/// Others:    what anybody appends to the store under one of the topics is dispatched too: an aggregate, another
///            program, or `headrace events append`.
/// Threads:   topic() and start() by one thread, at start-up; the rest by any. Bus and stores outlive it.
class DurableTopics {
 public:
  /// `types`: how events become bytes, and what is known of old versions. Throws ConfigError without types, and as
  /// StoreFollower does.
  DurableTopics(Bus& bus, EventStore& store, CheckpointStore& checkpoints, std::shared_ptr<const EventTypes> types,
                FollowerOptions options);
  /// Stops without waiting for what is out.
  ~DurableTopics();
  DurableTopics(const DurableTopics&) = delete;
  DurableTopics& operator=(const DurableTopics&) = delete;

  /// Makes a topic durable: the type's own, or another. The type must be among the types. Throws
  /// ConfigError for a topic that is there already with another type, or that comes after start().
  template <Event T>
  requires DescribedEvent<T> && std::copy_constructible<T>
  [[nodiscard]] DurableTopic<T> topic(std::string name = std::string(event_topic<T>()));

  // As StoreFollower's. Without topics there is nothing to dispatch.
  void start();
  std::size_t poll() { return follower_.poll(); }
  /// Also while the dispatcher waits for room in a lane.
  Result<std::size_t> stop(std::chrono::milliseconds deadline);
  [[nodiscard]] FollowerStatus status() const { return follower_.status(); }
  [[nodiscard]] NamedLag lag() const { return follower_.lag(); }
  [[nodiscard]] bool wait_for(EventPosition position, std::chrono::milliseconds time) {
    return follower_.wait_for(position, time);
  }
  void resume() { follower_.resume(); }

 private:
  template <class T>
  friend class DurableTopic;
  /// Decodes and publishes. An error is the event's.
  using Dispatch =
      std::function<Result<PublishStatus>(Publisher&, const std::shared_ptr<HandledPrefix>&, StoredEvent&)>;
  struct TypedTopic {
    EventTypeId type;
    Dispatch dispatch;
  };

  void add(const std::string& name, TypedTopic topic);
  [[nodiscard]] EncodedEvent encode(std::string_view topic, EncodedBody body, const PublishOptions& options,
                                    const EventMeta* cause) const;

  [[nodiscard]] Result<StoreFollower::Taken> dispatch(StoredEvent& event,
                                                      const std::shared_ptr<HandledPrefix>& prefix);

  Bus& bus_;
  EventStore& store_;
  const std::shared_ptr<const EventTypes> types_;
  const std::string name_;
  std::map<std::string, TypedTopic, std::less<>> topics_;  ///< does not change after the start
  std::optional<Publisher> publisher_;                     ///< made by start(), or the first poll()
  StoreFollower follower_;                                 // last: its thread uses all of the above
};

/// Publishes to one durable topic. May be copied; the DurableTopics outlive it.
/// Threads: any.  Order: one thread's publishes keep theirs.
template <class T>
class DurableTopic {
 public:
  /// Answers the event's position once it is as durable as the store makes it; handlers get it afterwards. An error
  /// with Retry::maybe: nothing has happened. Publishing again with the same id is answered as the first time.
  [[nodiscard]] Result<EventPosition> publish(const T& event, const PublishOptions& options = {}) const {
    return append(event, options, nullptr);
  }
  /// Inside a handler: the event carries the correlation of the one that is being handled, and names it as its
  /// cause. Waits for the disk all the same, and the worker with it: submit() does not.
  [[nodiscard]] Result<EventPosition> publish(const T& event, const Context& context,
                                              const PublishOptions& options = {}) const {
    return append(event, options, context.meta());
  }
  /// Without waiting: `done` is called as by EventStore::submit.
  void submit(const T& event, std::function<void(Result<EventPosition>)> done, const PublishOptions& options = {},
              const EventMeta* cause = nullptr) const {
    Result<AppendRequest> request = request_of(event, options, cause);
    if (!request) return done(request.error());
    topics_->store_.submit(std::move(*request), [done = std::move(done)](Result<AppendReceipt> receipt) {
      done(position_of(receipt));
    });
  }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  friend class DurableTopics;
  DurableTopic(const DurableTopics& topics, std::string name) : topics_(&topics), name_(std::move(name)) {}

  Result<AppendRequest> request_of(const T& event, const PublishOptions& options, const EventMeta* cause) const {
    if (options.expires_after.count() != 0) return Error{"an event of a durable topic does not expire", name_};
    Result<EncodedBody> body = topics_->types_->encode(event_type_id<T>(), &event);
    if (!body) return body.error();
    EncodedEvent encoded = topics_->encode(name_, std::move(*body), options, cause);
    encoded.envelope.version = event_version<T>();
    encoded.envelope.key = event_key_text(event);
    return AppendRequest::to(name_, ExpectedVersion::any(), {std::move(encoded)});
  }
  Result<EventPosition> append(const T& event, const PublishOptions& options, const EventMeta* cause) const {
    const Result<AppendRequest> request = request_of(event, options, cause);
    if (!request) return request.error();
    return position_of(topics_->store_.append(*request));
  }
  static Result<EventPosition> position_of(const Result<AppendReceipt>& receipt) {
    if (!receipt) return receipt.error();
    if (!receipt->is_stored()) return Error{"another event with this id is stored already", {}};
    return receipt->last;
  }

  const DurableTopics* topics_;
  std::string name_;
};

template <Event T>
requires DescribedEvent<T> && std::copy_constructible<T> DurableTopic<T> DurableTopics::topic(std::string name) {
  const auto dispatch = [types = types_](Publisher& publisher, const std::shared_ptr<HandledPrefix>& prefix,
                                         StoredEvent& stored) -> Result<PublishStatus> {
    const std::string topic = stored.event.envelope.topic;
    Result<WithMeta<T>> decoded = decode_with_meta<T>(*types, std::move(stored.event));
    if (!decoded) return decoded.error();
    ReceiptedEvent<T, HandledPrefix::Receipt> whole{decoded->meta, std::move(decoded->event),
                                                    HandledPrefix::Receipt(prefix, stored.position)};
    const PublishStatus status = publisher.publish(topic, std::move(whole)).status();
    if (status != PublishStatus::published && status != PublishStatus::dropped) prefix->take_back(stored.position);
    return status;
  };
  add(name, {event_type_id<T>(), dispatch});
  return {*this, std::move(name)};
}

}  // namespace headrace
