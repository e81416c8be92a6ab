#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "headrace/port/event_store.hpp"
#include "headrace/port/metric.hpp"

namespace headrace {

/// How far a reader of an event store is behind it.
struct EventLag {
  EventPosition behind = 0;            ///< positions to the end of the store: not less than the events that wait
  std::chrono::nanoseconds oldest{0};  ///< how long the oldest event that waits has been in the store
};

/// Of a reader of the query's events who has read up to `read_to`: asks the store. What the store cannot say is zero.
/// @thread any
[[nodiscard]] EventLag lag_of(EventStore& store, const EventQuery& query, EventPosition read_to);

/// Of a projection, an outbox, a durable topic: for metrics.
struct NamedLag {
  std::string name;  ///< unlike the others'
  EventPosition read_to = 0;
  EventLag lag;
  bool stands_still = false;  ///< at an event, until somebody helps
};

/// `headrace_reader_…`, labelled `reader`: the position, how far it is behind in positions and in seconds, and whether
/// it stands still.
[[nodiscard]] std::vector<MetricFamily> metrics_of(const std::vector<NamedLag>& readers);

}  // namespace headrace
