#pragma once

#include <cstdint>

#include "headrace/bus/handled_prefix.hpp"
#include "headrace/event/event_meta.hpp"

namespace headrace {

/// An event of a durable topic on its way through the bus. Handlers see the event inside; when the last of them has
/// settled it, this is destroyed, and its place in the store counts as handled.
template <Event T>
struct DurableEvent {
  using MetaPayload = T;
  EventMeta meta;
  T event;
  HandledPrefix::Receipt receipt;

  static constexpr std::uint32_t kPayloadOffset = WithMeta<T>::kPayloadOffset;

  void unhandled() const noexcept { receipt.unhandled(); }
  void dead_lettered() const noexcept {}  // the letter is what came of it
  [[nodiscard]] WithMeta<T> for_letter() const { return {meta, event}; }
};

}  // namespace headrace
