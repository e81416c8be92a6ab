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
  std::chrono::nanoseconds expires_after = std::chrono::nanoseconds::zero();  ///< zero: never
};

/// An event and its meta as they lie in a lane. Everything but the size is the event's own: topic, key, handlers.
template <Event T>
struct WithMeta {
  using MetaPayload = T;
  EventMeta meta;
  T event;

  // An event whose sender waits stays one.
  void unhandled() const noexcept requires AnsweredEvent<T> { event.unhandled(); }
  void dead_lettered() const noexcept requires AnsweredEvent<T> { event.dead_lettered(); }
  [[nodiscard]] auto for_letter() const requires AnsweredEvent<T> {
    return WithMeta<decltype(event.for_letter())>{meta, event.for_letter()};
  }

  static constexpr std::uint32_t kPayloadOffset =
      static_cast<std::uint32_t>((sizeof(EventMeta) + alignof(T) - 1) / alignof(T) * alignof(T));
};

}  // namespace headrace
