#pragma once

#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "headrace/bus/bus.hpp"
#include "headrace/bus/durable_event.hpp"
#include "headrace/port/checkpoint_store.hpp"
#include "headrace/port/event_store.hpp"
#include "headrace/port/event_types.hpp"

namespace headrace {

struct DurableOptions {
  std::string name = {};                         ///< of the checkpoint: programs that share a store need one each
  std::shared_ptr<const EventTypes> types = {};  ///< how events become bytes, and what is known of old versions
  std::size_t out_max = 4096;                    ///< events that are dispatched and not yet handled
  std::size_t batch_events = 256;                ///< read from the store at once
  /// The checkpoint is saved when so many events have been handled since, or so much time has passed; what was
  /// handled since then is dispatched again after a crash.
  std::uint64_t save_events = 1024;
  std::chrono::milliseconds save_every{100};
  /// What a retry may help (a full lane, a locked store, no subscriber) is tried again after so long, then after
  /// twice that, up to the longest.
  std::chrono::milliseconds retry_first{1};
  std::chrono::milliseconds retry_longest{1000};
};

struct DurableStatus {
  enum class State : std::uint8_t {
    running,
    retrying,  ///< waits before it tries again: see error
    failed,    ///< stands still at an event until resume(): see error
    closed,    ///< the bus has stopped, or stop() was called
  };
  State state = State::running;
  EventPosition handled = 0;     ///< everything up to here is settled
  std::size_t out = 0;           ///< dispatched, not yet settled
  std::uint64_t dispatched = 0;  ///< by this object, repetitions included
  std::uint64_t rewinds = 0;     ///< how often it went back to what had ended unhandled
  std::optional<Error> error;
};

template <class T>
class DurableTopic;

/// Topics whose events are in the event store before their publish is acknowledged, and reach the bus from there:
/// at least once, in the order of the store, also after a crash.
///
///     hr::DurableTopics durable(bus, *store, store->checkpoints(), {.name = "shop", .types = types});
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
/// A damaged or newer event: dispatching stands still there, and status() says where; resume() tries it again.
/// Others:    what anybody appends to the store under one of the topics is dispatched too: an aggregate, another
///            program, or `headrace events append`.
/// Threads:   topic() and start() by one thread, at start-up; the rest by any. Bus and stores outlive it.
class DurableTopics {
 public:
  /// Throws ConfigError for options without a name or types.
  DurableTopics(Bus& bus, EventStore& store, CheckpointStore& checkpoints, DurableOptions options);
  /// Stops without waiting for what is out.
  ~DurableTopics();
  DurableTopics(const DurableTopics&) = delete;
  DurableTopics& operator=(const DurableTopics&) = delete;

  /// Makes a topic durable: the type's own, or another. The type must be among DurableOptions::types. Throws
  /// ConfigError for a topic that is there already with another type, or that comes after start().
  template <Event T>
  requires DescribedEvent<T> && std::copy_constructible<T>
  [[nodiscard]] DurableTopic<T> topic(std::string name = std::string(event_topic<T>()));

  /// Dispatches on a thread of its own, from the checkpoint on.
  void start();
  /// The same for programs without threads: one turn by the caller. Answers how many events it dispatched.
  /// @thread one at a time, and no start()
  std::size_t poll();
  /// Dispatches no more, waits until everything that is out is settled, or the deadline, and saves the checkpoint.
  /// Answers how many were left: they come again with the next start. The error is the checkpoint's: then more do.
  Result<std::size_t> stop(std::chrono::milliseconds deadline);

  [[nodiscard]] DurableStatus status() const;
  /// True once everything up to the position is settled.
  [[nodiscard]] bool wait_for(EventPosition position, std::chrono::milliseconds time);
  /// Goes on after a failure, at the event where it stopped.
  void resume();

 private:
  template <class T>
  friend class DurableTopic;
  /// Decodes and publishes. An error is the event's.
  using Dispatch =
      std::function<Result<PublishStatus>(Publisher&, const std::shared_ptr<HandledPrefix>&, StoredEvent&)>;
  enum class Turn : std::uint8_t { dispatched, nothing_new, out_full, retrying, failed, closed };
  struct TypedTopic {
    EventTypeId type;
    Dispatch dispatch;
  };

  void add(const std::string& name, TypedTopic topic);
  [[nodiscard]] EncodedEvent encode(std::string_view topic, EncodedBody body, const PublishOptions& options,
                                    const EventMeta* cause) const;

  // By the thread that dispatches:
  void loop(const std::stop_token& stop);
  [[nodiscard]] Turn turn();
  [[nodiscard]] std::optional<Turn> begin();
  [[nodiscard]] Turn dispatch(std::vector<StoredEvent>& events);
  [[nodiscard]] Turn fail(Error error);
  enum class Save : std::uint8_t { when_due, at_once };
  [[nodiscard]] Status save(Save when);
  void wait_for_more(const std::stop_token& stop);
  void wait_to_retry(const std::stop_token& stop);

  Bus& bus_;
  EventStore& store_;
  CheckpointStore& checkpoints_;
  const DurableOptions options_;
  std::map<std::string, TypedTopic, std::less<>> topics_;  ///< does not change after the start
  const std::shared_ptr<HandledPrefix> prefix_ = std::make_shared<HandledPrefix>();

  // owner: the thread that dispatches
  std::optional<Publisher> publisher_;
  EventQuery query_;
  bool position_known_ = false;
  EventPosition after_ = 0;  ///< everything up to here is dispatched
  EventPosition saved_ = 0;
  std::uint64_t events_saved_ = 0;
  std::chrono::steady_clock::time_point saved_at_{};

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t dispatched_ = 0;  // behind mutex_, as is all below
  std::uint64_t rewinds_ = 0;
  std::optional<Error> error_;
  std::chrono::milliseconds pause_{0};  ///< before the next try; 0: none is due
  bool closed_ = false;

  std::jthread thread_;  // last: it uses all of the above
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
    Result<EncodedBody> body = topics_->options_.types->encode(event_type_id<T>(), &event);
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
  const auto dispatch = [types = options_.types](Publisher& publisher,
                                                 const std::shared_ptr<HandledPrefix>& prefix,
                                                 StoredEvent& stored) -> Result<PublishStatus> {
    const Envelope& envelope = stored.event.envelope;
    const Result<FieldValue> fields =
        types->fields(event_type_id<T>(), envelope.version,
                      EncodedBody{std::move(stored.event.content_type), std::move(stored.event.body)});
    if (!fields) return fields.error();
    Result<T> event = from_fields<T>(*fields);
    if (!event) return event.error();
    const EventId correlation = envelope.correlation ? envelope.correlation : envelope.id;
    DurableEvent<T> whole{{envelope.id, correlation, envelope.causation, 0},
                          std::move(*event),
                          HandledPrefix::Receipt(prefix, stored.position)};
    const PublishStatus status = publisher.publish(envelope.topic, std::move(whole)).status();
    if (status != PublishStatus::published && status != PublishStatus::dropped) prefix->take_back(stored.position);
    return status;
  };
  add(name, {event_type_id<T>(), dispatch});
  return {*this, std::move(name)};
}

}  // namespace headrace
