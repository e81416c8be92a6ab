#include "headrace/process/trace.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace headrace {
namespace {

struct IdHash {
  std::size_t operator()(const EventId& id) const noexcept { return hash_key(id); }
};
using Places = std::unordered_map<EventId, std::size_t, IdHash>;

TraceEvent traced(const Envelope& envelope) {
  TraceEvent event;
  event.id = envelope.id;
  event.topic = envelope.topic;
  event.key = envelope.key;
  event.time = envelope.time;
  event.headers = envelope.headers;
  return event;
}

/// While the trees are put together: an event, and the id of its cause.
struct Gathered {
  std::vector<std::pair<TraceEvent, EventId>> events;
  std::optional<EventId> other_correlation;  ///< of the event whose own id was asked for
};

Result<Gathered> gather(const TraceSource& read, EventId correlation, std::size_t events_max) {
  Gathered gathered;
  Places seen;
  bool too_many = false;
  const Status end = read([&](const StoredEvent& stored) {
    const Envelope& envelope = stored.event.envelope;
    const bool is_it = envelope.id == correlation;
    if (envelope.correlation != correlation && !is_it) return Visit::more;
    if (is_it && envelope.correlation && envelope.correlation != correlation) {
      gathered.other_correlation = envelope.correlation;
      return Visit::stop;
    }
    if (envelope.id && !seen.emplace(envelope.id, gathered.events.size()).second) return Visit::more;
    too_many = gathered.events.size() == events_max;
    if (too_many) return Visit::stop;
    TraceEvent event = traced(envelope);
    event.stream = stored.stream;
    event.version = stored.version;
    event.position = stored.position;
    if (event.time == EventTime{}) event.time = stored.stored_at;
    gathered.events.emplace_back(std::move(event), envelope.causation);
    return Visit::more;
  });
  if (!end) return end.error();
  if (too_many) return Error{"more than " + std::to_string(events_max) + " events", correlation.to_string()};
  return gathered;
}

Status gather_letters(const DeadLetterStore& letters, EventId correlation, std::size_t events_max,
                      Gathered& gathered) {
  DeadLetterFilter filter;
  filter.correlation = correlation;
  auto found = letters.list(filter, events_max);
  if (!found) return found.error();
  std::sort(found->begin(), found->end(), [](const DeadLetter& one, const DeadLetter& other) {
    return one.first_failure < other.first_failure;
  });
  Places places;
  for (std::size_t at = 0; at < gathered.events.size(); ++at) {
    if (const EventId id = gathered.events[at].first.id) places.emplace(id, at);
  }
  for (const DeadLetter& letter : *found) {
    const EventId id = letter.envelope.id;
    std::size_t at = gathered.events.size();
    if (id) at = places.emplace(id, at).first->second;
    if (at == gathered.events.size()) {
      gathered.events.emplace_back(traced(letter.envelope), letter.envelope.causation);
    }
    TraceEvent& event = gathered.events[at].first;
    if (event.time == EventTime{}) event.time = letter.first_failure;
    std::string& text = event.dead_letter ? event.dead_letter->append("; ") : event.dead_letter.emplace();
    text += letter.subscription + ": " + letter.reason;
  }
  return Nothing{};
}

/// Ids are the program's to choose, and may go round in circles: what no root leads to becomes a root.
void find_roots(Trace& trace) {
  std::vector<bool> seen(trace.events.size());
  const auto visit = [&](std::size_t root) {
    trace.roots.push_back(root);
    std::vector<std::size_t> todo{root};
    while (!todo.empty()) {
      const std::size_t at = todo.back();
      todo.pop_back();
      seen[at] = true;
      for (const std::size_t effect : trace.events[at].effects) todo.push_back(effect);
    }
  };
  for (std::size_t at = 0; at < trace.events.size(); ++at) {
    if (!trace.events[at].cause) visit(at);
  }
  for (std::size_t at = 0; at < trace.events.size(); ++at) {
    if (seen[at]) continue;
    std::erase(trace.events[*trace.events[at].cause].effects, at);
    trace.events[at].cause.reset();
    visit(at);
  }
}

}  // namespace

Result<Trace> trace(EventStore& store, EventId correlation, const TraceOptions& options) {
  const TraceSource read = [&store](const std::function<Visit(const StoredEvent&)>& see) -> Status {
    const auto end = store.read_all({}, see);
    return end ? Status(Nothing{}) : Status(end.error());
  };
  return trace(read, correlation, options);
}

Result<Trace> trace(const TraceSource& read, EventId correlation, const TraceOptions& options) {
  if (correlation.is_none()) return Error{"no correlation was given", "trace"};
  auto gathered = gather(read, correlation, options.events_max);
  if (gathered && gathered->other_correlation) {
    correlation = *gathered->other_correlation;
    gathered = gather(read, correlation, options.events_max);
  }
  if (!gathered) return gathered.error();
  if (options.dead_letters != nullptr) {
    const Status listed = gather_letters(*options.dead_letters, correlation, options.events_max, *gathered);
    if (!listed) return listed.error();
  }
  Trace found;
  found.correlation = correlation;
  Places places;
  for (auto& [event, causation] : gathered->events) {
    if (event.id) places.emplace(event.id, found.events.size());
    found.events.push_back(std::move(event));
  }
  for (std::size_t at = 0; at < found.events.size(); ++at) {
    const auto cause = places.find(gathered->events[at].second);
    if (cause == places.end() || cause->second == at) continue;
    found.events[at].cause = cause->second;
    found.events[cause->second].effects.push_back(at);
  }
  find_roots(found);
  return found;
}

}  // namespace headrace
