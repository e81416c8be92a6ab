#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/port/dead_letter_store.hpp"
#include "headrace/port/event_store.hpp"

namespace headrace {

/// One event of a business transaction, without its body.
struct TraceEvent {
  EventId id;
  std::string topic;
  std::string key;
  std::string stream;  ///< empty: it is not in the event store; "recording": its version says which event of it
  StreamVersion version = 0;  ///< in its stream
  EventPosition position = 0;
  EventTime time{};  ///< when it happened; where that is unknown, when it was stored
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<std::string> dead_letter;  ///< it was given up on: by whom, and why
  /// What caused it. None: nothing of this transaction that was found; the first event, as a rule.
  std::optional<std::size_t> cause;
  std::vector<std::size_t> effects;  ///< what it caused, in order
};

/// The events of one transaction as trees of what caused what.
struct Trace {
  EventId correlation;
  std::vector<TraceEvent> events;  ///< those stored by position, then those that are in dead letters only, by time
  std::vector<std::size_t> roots;
};

struct TraceOptions {
  /// Where to look for events that were given up on, too.
  const DeadLetterStore* dead_letters = nullptr;
  std::size_t events_max = 100'000;  ///< more are an error: a transaction is no stream
};

/// All events that carry the correlation; an event's own id does as well. Without events: nobody knows the id.
/// Reads the whole store, twice when an event's id was given: a tool for people, not for the way of an event.
/// @thread any
[[nodiscard]] Result<Trace> trace(EventStore& store, EventId correlation, const TraceOptions& options = {});
/// The same from anywhere: `read` shows all events there are to `see`, in order, as often as it is called, and stops
/// when it is told. Of events with one id only the first is taken. Recordings: simulation/trace_recording.hpp.
using TraceSource = std::function<Status(const std::function<Visit(const StoredEvent&)>& see)>;
[[nodiscard]] Result<Trace> trace(const TraceSource& read, EventId correlation, const TraceOptions& options = {});

/// For people: a line an event, with its place, its headers and how long after the first one it happened.
[[nodiscard]] std::string to_text(const Trace& trace);
/// A flowchart as Mermaid draws it: https://mermaid.js.org
[[nodiscard]] std::string to_mermaid(const Trace& trace);
/// A digraph for dot.
[[nodiscard]] std::string to_graphviz(const Trace& trace);

}  // namespace headrace
