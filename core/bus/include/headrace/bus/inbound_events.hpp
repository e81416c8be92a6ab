#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "headrace/bus/bus.hpp"
#include "headrace/bus/message_receipt.hpp"
#include "headrace/bus/receipted_event.hpp"
#include "headrace/bus/redriven_events.hpp"
#include "headrace/bus/refusal_rest.hpp"
#include "headrace/bus/source_brake.hpp"
#include "headrace/port/claim_check.hpp"
#include "headrace/port/event_types.hpp"
#include "headrace/port/source.hpp"

namespace headrace {

/// A message that is no event of this program.
struct BadMessage {
  const Message& message;
  FailureClass failure;     ///< undecodable, version_unknown, or too_large
  std::string_view reason;  ///< where, and what is wrong
  bool is_kept;             ///< it is in the dead letters now; else its broker was told `reject`
};

struct InboundOptions {
  Settlement unrouted = Settlement::reject;       ///< for what nobody subscribes to, or whose topic was not added
  Settlement dead_lettered = Settlement::reject;  ///< for what went to the dead letters of the bus
  /// How long a message waits that the bus, or its reader, refuses for now before its broker gets it back: full jitter,
  /// longer the more often in a row. Meanwhile it counts as unsettled. With a cap of 0: not at all.
  Backoff::Options rest = {std::chrono::milliseconds(100), std::chrono::milliseconds(2'000)};
  /// Whose its dead letters are, as their `subscription`, and its publisher's name in the bus's EventFlow.
  std::string name = "inbound events";
  EventSizes sizes = {};  ///< content over its topic's bytes_max is too large to be decoded
  /// Called on the source's thread, after the store of dead letters was asked; must not throw and should not block.
  std::function<void(const BadMessage&)> on_bad_message = nullptr;
};

/// Broker to typed events: each message becomes the event that its bytes tell of, under the topic that its envelope
/// names, and is settled when all handlers have. Who subscribes cannot tell whether an event comes from here or from a
/// publisher of the process.
///
///     hr::InboundEvents inbound(bus, source, types, read);
///     inbound.topic<OrderPlaced>();
///     auto billing = bus.subscribe<OrderPlaced>({.group = "billing", .retry = …}, …);
///     bus.start();
///     if (const auto started = inbound.start(); !started) return fail(started.error());
///
/// Settled:      done once every delivery is: handled, failed without a dead letter store, or dropped by a policy;
///               `dead_lettered` where one was; retry where one ended without its handler, so that it comes again.
///               What a crash leaves unsettled, the broker delivers again: subscriptions whose effect must not come
///               twice are `deduplicated`, by the event's id, which the broker's copies share.
/// Bad messages: what cannot be read, is of a newer version than known, or is too large becomes a dead letter of the
///               bus's store with its bytes, headers, class and reason; when the store has it, the message is settled as
///               `dead_lettered` says. While the store is full or away the message goes back, after a rest. Without a
///               store it is rejected, for the broker to dead-letter as it is. on_bad_message hears of each.
///               What cannot be read now (Retry::maybe: a blob store that is away) goes back, too.
/// Redriving:    such a letter by a program that can read it, a newer version or one with more upcasters, publishes the
///               event under its topic to all who subscribe, and the letter goes when they have settled it. It is decoded
///               by DeliveryDefaults::event_types, and needs a topic() of its type here, under `name`. A message of which
///               not even the envelope could be read is skipped, unless its bytes are an event of its topic.
/// Backpressure: as SourceBridge's. While the breaker of a subscription to one of its topics is open the source is paused.
/// Threads:      topic() and start() by one thread, at start-up; the rest by any. Bus and source outlive it.
class InboundEvents {
 public:
  /// How a message becomes an event: CloudEvents (adapters/wire), or one's own. Called on the source's thread.
  using Read = std::function<Result<EncodedEvent>(const Message&)>;
  struct Counts {
    std::uint64_t received = 0;
    std::uint64_t published = 0;
    std::uint64_t unrouted = 0;
    std::uint64_t dead_lettered = 0;  ///< bad, and kept in the bus's dead letters
    std::uint64_t rejected = 0;       ///< bad, and not kept
    std::uint64_t refused = 0;        ///< by the bus, or not readable now; back with the broker
    std::uint64_t pauses = 0;         ///< how often the source was told to pause
  };

  /// Throws ConfigError without types or a reader.
  InboundEvents(Bus& bus, Source& source, std::shared_ptr<const EventTypes> types, Read read,
                InboundOptions options = {});
  /// Stops the source that it started, without waiting.
  ~InboundEvents();
  InboundEvents(const InboundEvents&) = delete;
  InboundEvents& operator=(const InboundEvents&) = delete;

  /// Events of this topic are T: the type's own topic, or another. The type must be among the types. Throws ConfigError
  /// for a topic that is another type's already, or that comes after start().
  template <Event T>
  requires DescribedEvent<T> && std::copy_constructible<T>
  void topic(std::string name = std::string(event_topic<T>())) {
    add(std::move(name), {event_type_id<T>(), [](const EventTypes& types, Publisher& publisher,
                                                 EncodedEvent&& encoded, MessageReceipt&& receipt) {
                            return publish<T>(types, publisher, std::move(encoded), std::move(receipt));
                          }});
    if (redrives_.contains(event_type_id<T>()) || !keeps_letters()) return;
    redrives_.emplace(event_type_id<T>(), bus_.subscribe<T>(redrive_options(event_topic<T>()),
                                                            [this](const T& event, Context& context) {
                                                              return publish_again(event, context);
                                                            }));
  }

  /// Starts the source. An error is one of its options.
  [[nodiscard]] Status start();
  /// Stops the source: answers how many messages were left unsettled, which their broker delivers again.
  std::size_t stop(std::chrono::milliseconds deadline) { return source_.stop(deadline); }
  [[nodiscard]] Counts counts() const;
  /// Pauses the source until resume(), beside what the bus pauses it for.
  void pause() { brake_.hold(); }
  void resume() { brake_.release(); }

 private:
  using Publish =
      std::function<Result<PublishStatus>(const EventTypes&, Publisher&, EncodedEvent&&, MessageReceipt&&)>;
  struct TypedTopic {
    EventTypeId type;
    Publish publish;
  };

  /// The receipt is moved from only when the event was published.
  template <Event T>
  static Result<PublishStatus> publish(const EventTypes& types, Publisher& publisher, EncodedEvent&& encoded,
                                       MessageReceipt&& receipt) {
    const std::string topic = encoded.envelope.topic;
    Result<WithMeta<T>> decoded = decode_with_meta<T>(types, std::move(encoded));
    if (!decoded) return decoded.error();
    ReceiptedEvent<T, MessageReceipt> whole{decoded->meta, std::move(decoded->event), std::move(receipt)};
    const PublishStatus status = publisher.publish(topic, std::move(whole)).status();
    const bool taken = status == PublishStatus::published || status == PublishStatus::dropped;
    if (!taken) receipt = std::move(whole.receipt);
    return status;
  }
  /// The handler of a letter that is redriven. A worker calls it again until what it has published is settled.
  template <Event T>
  Outcome publish_again(const T& event, const Context& context) {
    const EventMeta* const meta = context.meta();
    if (meta == nullptr || !is_topic_of(event_type_id<T>(), context.topic())) {
      return dead_letter("it is no event of a topic that comes in here");
    }
    if (const auto outcome = outcome_of(redriven_->ask(meta->id))) return *outcome;
    ReceiptedEvent<T, MessageReceipt> whole{*meta, event,
                                            MessageReceipt(redriven_->begin(meta->id), Settlement::reject)};
    const PublishStatus status = bus_.publish(context.topic(), std::move(whole)).status();
    if (status == PublishStatus::published || status == PublishStatus::dropped) return retry("it is under way");
    whole.receipt.settle(Settlement::retry);
    static_cast<void>(redriven_->ask(meta->id));
    if (status == PublishStatus::full) return retry("a lane is full");
    return dead_letter(to_string(status));
  }
  [[nodiscard]] static std::optional<Outcome> outcome_of(RedrivenEvents::State state);
  [[nodiscard]] bool feeds(const BreakerChange& change) const;
  [[nodiscard]] bool is_topic_of(EventTypeId type, std::string_view name) const;
  [[nodiscard]] bool keeps_letters() const;
  [[nodiscard]] SubscribeOptions redrive_options(std::string_view type) const;

  void add(std::string name, TypedTopic topic);
  void give_up(const Message& message, DeadLetter&& letter, const Error& error, MessageReceipt&& receipt);
  void take(ReceivedMessage&& received);
  void refuse(MessageReceipt&& receipt);
  void count(std::uint64_t Counts::*what);

  Bus& bus_;
  Source& source_;
  const std::shared_ptr<const EventTypes> types_;
  const Read read_;
  const InboundOptions options_;
  std::map<std::string, TypedTopic, std::less<>> topics_;  ///< does not change after the start
  std::optional<Publisher> publisher_;                     // owner: the source's thread
  RefusalRest rest_;
  SourceBrake brake_;
  mutable std::mutex mutex_;
  Counts counts_;
  const std::shared_ptr<RedrivenEvents> redriven_ = std::make_shared<RedrivenEvents>();
  std::map<EventTypeId, Subscription> redrives_;  // last: their handlers use the rest
};

}  // namespace headrace
