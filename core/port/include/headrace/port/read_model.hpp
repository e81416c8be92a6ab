#pragma once

#include <functional>
#include <span>

#include "headrace/base/result.hpp"
#include "headrace/port/event_store.hpp"

namespace headrace {

/// What a projection keeps up to date, and how far it has come.
struct ReadModel {
  /// Where to read on; asked once, at the start.
  std::function<Result<EventPosition>()> checkpoint;
  /// Applies the events, in order, and remembers `through`. Where both happen in one transaction every event has
  /// its effect once; otherwise the events come first, and after a crash some come again. The error's `where` says
  /// at which event it happened.
  std::function<Status(std::span<const StoredEvent> events, EventPosition through)> apply;
};

/// What a read model does with one event.
using StoredEventHandler = std::function<Status(const StoredEvent&)>;

/// Runs the handler; what it throws becomes an error, and the error says at which event it happened.
[[nodiscard]] Status handle_event(const StoredEventHandler& handler, const StoredEvent& event) noexcept;

}  // namespace headrace
