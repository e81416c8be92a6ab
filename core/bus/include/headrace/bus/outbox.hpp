#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "headrace/bus/store_follower.hpp"
#include "headrace/port/message.hpp"
#include "headrace/port/sink.hpp"

namespace headrace {

/// Event store to broker: sends each event of a query, in the order of the store, and keeps a checkpoint of what the
/// broker has confirmed. A program appends an event in the transaction of the change that it tells of, and the event
/// reaches the broker at least once, also after a crash of either: who receives it tells copies apart by its id.
///
///     hr::Outbox outbox(store, store.checkpoints(), sink, write, {.name = "orders to rabbit"});
///     outbox.follow(hr::EventQuery::of_topic(hr::topic_filter("orders.*").value()));
///     outbox.start();
///
/// A broker that is away: the sink's buffer fills, and the outbox waits; status() says so.
/// What cannot be sent:   an event that cannot be written, that is too large or that the broker refuses for good is
///                        stood still at, and status() says where; resume() tries it again. What cannot be written
///                        now (Retry::maybe: a blob store that is away) is tried again by itself. Nothing is skipped.
/// Threads:               as StoreFollower's. The stores and the sink outlive it; stop it before the sink.
class Outbox {
 public:
  /// How an event becomes a message: CloudEvents (adapters/wire), or one's own. Called on the outbox's thread.
  using Write = std::function<Result<Message>(const EncodedEvent&)>;

  /// Throws ConfigError as StoreFollower does.
  Outbox(EventStore& store, CheckpointStore& checkpoints, Sink& sink, Write write, FollowerOptions options);

  /// Which events; without it all. Before the start.
  void follow(EventQuery query) { follower_.follow(std::move(query)); }

  // As StoreFollower's: handled is what the broker has confirmed.
  void start() { follower_.start(); }
  std::size_t poll() { return follower_.poll(); }
  Result<std::size_t> stop(std::chrono::milliseconds deadline) { return follower_.stop(deadline); }
  [[nodiscard]] FollowerStatus status() const { return follower_.status(); }
  [[nodiscard]] NamedLag lag() const { return follower_.lag(); }
  [[nodiscard]] bool wait_for(EventPosition position, std::chrono::milliseconds time) {
    return follower_.wait_for(position, time);
  }
  void resume() { follower_.resume(); }

 private:
  [[nodiscard]] Result<StoreFollower::Taken> send(StoredEvent& event,
                                                  const std::shared_ptr<HandledPrefix>& prefix);

  Sink& sink_;
  const Write write_;
  struct Written {
    EventPosition position;
    Message message;
  };
  std::optional<Written> unsent_;  ///< found no room: it is not written twice. owner: the follower's thread
  StoreFollower follower_;         // last: its thread uses all of the above
};

}  // namespace headrace
