#include "saga_history.hpp"

#include <map>
#include <unordered_map>
#include <utility>

#include "saga_event.hpp"

namespace headrace {

std::string stream_of(const Saga& saga, const std::string& id) { return "saga-" + saga.name + "-" + id; }

Result<SagaState> load_saga(EventStore& store, const Saga& saga, const std::string& id) {
  SagaState state = initial_state(saga, id);
  Status folded = Nothing{};
  const auto end = store.read_stream({.stream = stream_of(saga, id)}, [&](const StoredEvent& event) {
    folded = fold(saga, state, event.event);
    return folded ? Visit::more : Visit::stop;
  });
  if (!end) return end.error();
  if (!folded) return folded.error();
  return state;
}

Status check_ours(EventStore& store, const Saga& saga, const std::string& id) {
  Status ours = Nothing{};
  const auto end = store.read_stream({.stream = stream_of(saga, id), .limit = 1}, [&](const StoredEvent& event) {
    const std::string& topic = event.event.envelope.topic;
    if (saga_event::what_of(saga, topic).empty()) {
      ours = Error{"its stream is taken by the saga of another table, with the event " + topic,
                   "saga " + saga.name + " " + id};
    }
    return Visit::stop;
  });
  if (!end) return end.error();
  return ours;
}

Result<std::vector<EncodedEvent>> read_history(EventStore& store, const Saga& saga, const std::string& id) {
  std::vector<EncodedEvent> history;
  const auto end = store.read_stream({.stream = stream_of(saga, id)}, [&](StoredEvent& event) {
    history.push_back(std::move(event.event));
    return Visit::more;
  });
  if (!end) return end.error();
  return history;
}

Result<std::vector<std::string>> find_open(EventStore& store, const Saga& saga, CheckpointStore* checkpoints) {
  const std::string mark = saga_event::tag_of(saga);
  GlobalRead read;
  read.query = EventQuery::tagged({mark});
  if (checkpoints != nullptr) {
    const auto saved = checkpoints->load(mark);
    if (!saved) return saved.error();
    read.after = *saved;
  }
  std::unordered_map<std::string, EventPosition> started;
  const auto end = store.read_all(read, [&](const StoredEvent& event) {
    const Envelope& envelope = event.event.envelope;
    if (saga_event::what_of(saga, envelope.topic) == saga_event::kStarted) {
      started.emplace(envelope.key, event.position);
    } else {
      started.erase(envelope.key);
    }
    return Visit::more;
  });
  if (!end) return end.error();
  std::map<EventPosition, std::string> by_age;
  for (const auto& [id, position] : started) by_age.emplace(position, id);
  if (checkpoints != nullptr) {
    const EventPosition all_ended = by_age.empty() ? end->through : by_age.begin()->first - 1;
    if (const Status saved = checkpoints->save(mark, all_ended); !saved) return saved.error();
  }
  std::vector<std::string> ids;
  ids.reserve(by_age.size());
  for (auto& [position, id] : by_age) ids.push_back(std::move(id));
  return ids;
}

}  // namespace headrace
