#pragma once

#include <cstdint>
#include <utility>

#include "headrace/event/envelope.hpp"
#include "headrace/event/event_meta.hpp"
#include "headrace/port/event_types.hpp"

namespace headrace {

/// An event whose sender holds it until it hears what became of it: a durable topic, a broker. Handlers see the event
/// inside; when the last of them has settled it, this is destroyed, and the receipt with it, which says handled unless
/// it was told otherwise.
/// @tparam Receipt  movable, with unhandled() and dead_lettered(), callable from any thread
template <Event T, class Receipt>
struct ReceiptedEvent {
  using MetaPayload = T;
  EventMeta meta;
  T event;
  Receipt receipt;

  static constexpr std::uint32_t kPayloadOffset = WithMeta<T>::kPayloadOffset;

  // As an AnsweredEvent:
  void unhandled() const noexcept { receipt.unhandled(); }
  void dead_lettered() const noexcept { receipt.dead_lettered(); }
  void done_before() const noexcept {}  // as the receipt says when nobody tells it otherwise
  [[nodiscard]] WithMeta<T> for_letter() const { return {meta, event}; }
};

/// An event of a store or a broker, as the present version of its type. An error says what is wrong with its bytes, or
/// that they are of a newer version than known, and leaves the event as it was given; Retry::maybe is said by an upcaster
/// only.
template <DescribedEvent T>
[[nodiscard]] Result<WithMeta<T>> decode_with_meta(const EventTypes& types, EncodedEvent&& encoded) {
  const Envelope& envelope = encoded.envelope;
  EncodedBody body{std::move(encoded.content_type), std::move(encoded.body)};
  const Result<FieldValue> fields = types.fields(event_type_id<T>(), envelope.version, body);
  Result<T> event = fields ? from_fields<T>(*fields) : Result<T>(fields.error());
  if (!event) {
    encoded.content_type = std::move(body.content_type);
    encoded.body = std::move(body.bytes);
    return event.error();
  }
  const EventId correlation = envelope.correlation ? envelope.correlation : envelope.id;
  return WithMeta<T>{{envelope.id, correlation, envelope.causation, 0}, std::move(*event)};
}

}  // namespace headrace
