#include "headrace/port/event_lag.hpp"

#include <algorithm>
#include <utility>

namespace headrace {

EventLag lag_of(EventStore& store, const EventQuery& query, EventPosition read_to) {
  EventLag lag;
  if (const auto last = store.last_position(); last && *last > read_to) lag.behind = *last - read_to;
  GlobalRead oldest;
  oldest.after = read_to;
  oldest.limit = 1;
  oldest.query = query;
  static_cast<void>(store
                        .read_all(oldest,
                                  [&](StoredEvent& event) {
                                    lag.oldest = std::max(std::chrono::nanoseconds{0},
                                                          std::chrono::system_clock::now() - event.stored_at);
                                    return Visit::stop;
                                  })
                        .has_value());
  return lag;
}

std::vector<MetricFamily> metrics_of(const std::vector<NamedLag>& readers) {
  constexpr auto kGauge = MetricKind::gauge;
  MetricFamily position{
      "headrace_reader_position", "Up to where a reader of an event store has read.", kGauge, {}};
  MetricFamily behind{
      "headrace_reader_behind_positions", "Positions of the event store that a reader has before it.", kGauge, {}};
  MetricFamily lag{"headrace_reader_lag_seconds",
                   "How long the oldest event that a reader has before it has been in the store.",
                   kGauge,
                   {}};
  MetricFamily still{"headrace_reader_stands_still", "Whether a reader stands still at an event.", kGauge, {}};
  for (const NamedLag& reader : readers) {
    const auto add = [&](MetricFamily& to, double value) {
      to.samples.push_back({{{"reader", reader.name}}, value});
    };
    add(position, static_cast<double>(reader.read_to));
    add(behind, static_cast<double>(reader.lag.behind));
    add(lag, std::chrono::duration<double>(reader.lag.oldest).count());
    add(still, reader.stands_still ? 1 : 0);
  }
  return {std::move(position), std::move(behind), std::move(lag), std::move(still)};
}

}  // namespace headrace
