#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "headrace/event/event_id.hpp"
#include "headrace/event/event_traits.hpp"

namespace headrace {

/// What is known about an event beside its content, where anything is: it travels in front of the event inside the
/// process. Events published without it carry none and pay nothing.
struct EventMeta {
  EventId id;
  EventId correlation;           ///< the first event of the business transaction that this one belongs to
  EventId causation;             ///< the event whose handler published this one
  std::uint64_t expires_ns = 0;  ///< on the bus's clock; 0: never
};

/// How an event is to be published, where that is not left to the bus. Everything has a default.
struct PublishOptions {
  EventId id = {};  ///< none: a new one
  EventId correlation =
      {};  ///< none: that of the event that is being handled; outside a handler, the event's own id
  EventId causation = {};  ///< none: the event that is being handled
  /// Its time to live, from when it is published; zero: for ever. When that is over it is dropped or dead-lettered before
  /// its handler runs, as SubscribeOptions::when_expired says, and counted. Only subscriptions with delivery options
  /// look: one without any reads no clock, which is what makes it free, and handles the event however late it comes.
  std::chrono::nanoseconds expires_after = std::chrono::nanoseconds::zero();
};

/// The options of what an event brings about: its transaction's, with it as the cause, but for what they say themselves.
/// @param cause  null: nothing is known of the event
[[nodiscard]] inline PublishOptions caused_by(const EventMeta* cause, PublishOptions options = {}) noexcept {
  if (cause == nullptr) return options;
  if (!options.causation) options.causation = cause->id;
  if (!options.correlation) options.correlation = cause->correlation;
  return options;
}

/// An event and its meta as they lie in a lane. Everything but the size is the event's own: topic, key, handlers.
template <Event T>
struct WithMeta {
  using MetaPayload = T;
  EventMeta meta;
  T event;

  // An event whose sender waits stays one.
  void unhandled() const noexcept requires AnsweredEvent<T> { event.unhandled(); }
  void dead_lettered() const noexcept requires AnsweredEvent<T> { event.dead_lettered(); }
  void done_before() const noexcept requires AnsweredEvent<T> { event.done_before(); }
  [[nodiscard]] auto for_letter() const requires AnsweredEvent<T> {
    return WithMeta<decltype(event.for_letter())>{meta, event.for_letter()};
  }

  static constexpr std::uint32_t kPayloadOffset =
      static_cast<std::uint32_t>((sizeof(EventMeta) + alignof(T) - 1) / alignof(T) * alignof(T));
};

}  // namespace headrace
