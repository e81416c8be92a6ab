// WriteSession's appends: first everything that may stand in the way, then the rows.
#include <algorithm>
#include <limits>
#include <utility>

#include "event_row.hpp"
#include "wall_clock.hpp"
#include "write_session.hpp"

namespace headrace::sqlite {
Result<AppendReceipt> WriteSession::append(const AppendRequest& request) {
  AppendReceipt receipt;
  receipt.streams.resize(request.streams.size());
  auto refused = find_stored_ids(request, receipt);
  if (refused && !*refused) refused = find_conflict(request, receipt);
  if (!refused) return refused.error();
  if (*refused) return receipt;
  if (auto stored = store(request, receipt); !stored) return stored.error();
  return receipt;
}

Result<bool> WriteSession::find_stored_ids(const AppendRequest& request, AppendReceipt& receipt) {
  std::size_t events = 0;
  std::size_t stored_here = 0;
  bool found = false;
  for (std::size_t at = 0; at < request.streams.size(); ++at) {
    const StreamAppend& append = request.streams[at];
    auto& place = receipt.streams[at];
    for (const EncodedEvent& event : append.events) {
      ++events;
      if (!event.envelope.id || !recent_ids_.may_be_stored(event.envelope.id)) continue;
      Statement& find = statements_.find_event;
      const Running running(find);
      const IdBytes id(event.envelope.id);
      find.bind(1, id.span());
      const int code = find.step();
      if (code == SQLITE_DONE) continue;
      if (code != SQLITE_ROW) return fail(code, "look for an event id");
      const auto stream = find_stream(append.stream);
      if (!stream) return stream.error();
      if (find.integer(1) == (*stream)->id) ++stored_here;
      if (!found || place.first == 0) place.first = find.number(2);
      place.last = find.number(2);
      receipt.last = std::max(receipt.last, find.number(0));
      receipt.culprit = at;
      found = true;
    }
  }
  if (found) receipt.outcome = stored_here == events ? AppendOutcome::duplicate : AppendOutcome::id_conflict;
  return found;
}

Result<bool> WriteSession::find_conflict(const AppendRequest& request, AppendReceipt& receipt) {
  for (std::size_t at = 0; at < request.streams.size(); ++at) {
    const auto stream = find_stream(request.streams[at].stream);
    if (!stream) return stream.error();
    receipt.streams[at].last = (*stream)->version;
    if (!request.streams[at].expected.holds((*stream)->version)) {
      receipt.outcome = AppendOutcome::version_conflict;
      receipt.culprit = at;
      return true;
    }
  }
  for (std::size_t at = 0; at < request.conditions.size(); ++at) {
    const AppendCondition& condition = request.conditions[at];
    if (condition.after >= last_position_) continue;
    EventSelect select(condition.unless, topics_);
    const auto prepared = select.prepare(connection_, selects_, "e.position", Direction::forward);
    if (!prepared) return prepared.error();  // nothing has changed: it is this request's error only
    Statement& statement = **prepared;
    const Running running(statement);
    select.bind(statement, condition.after, kToTheEnd, 1);
    const int code = statement.step();
    if (code == SQLITE_DONE) continue;
    if (code != SQLITE_ROW) return fail(code, "check a condition");
    receipt.outcome = AppendOutcome::condition_failed;
    receipt.culprit = at;
    receipt.last = statement.number(0);
    return true;
  }
  return false;
}

Result<WriteSession::Stream*> WriteSession::find_stream(const std::string& name) {
  const auto [entry, is_new] = streams_.try_emplace(name);
  if (!is_new) return &entry->second;
  Statement& find = statements_.find_stream;
  const Running running(find);
  find.bind(1, std::string_view{name});
  const int code = find.step();
  if (code == SQLITE_ROW) {
    entry->second = {find.integer(0), find.number(1)};
  } else if (code != SQLITE_DONE) {
    streams_.erase(entry);
    return fail(code, "look for a stream");
  }
  return &entry->second;
}

Status WriteSession::create_stream(const std::string& name, Stream& stream) {
  statements_.insert_stream.bind(1, std::string_view{name});
  if (auto created = run(statements_.insert_stream, "create a stream"); !created) return created;
  stream.id = sqlite3_last_insert_rowid(connection_.handle());
  return Nothing{};
}

Result<std::int64_t> WriteSession::topic_id(const std::string& name) {
  if (const auto known = topic_ids_.find(name); known != topic_ids_.end()) return known->second;
  Statement& find = statements_.find_topic;
  const Running running(find);
  find.bind(1, std::string_view{name});
  std::int64_t id = 0;
  const int code = find.step();
  if (code == SQLITE_ROW) {
    id = find.integer(0);
  } else if (code != SQLITE_DONE) {
    return fail(code, "look for a topic");
  } else {
    statements_.insert_topic.bind(1, std::string_view{name});
    if (auto created = run(statements_.insert_topic, "create a topic"); !created) return created.error();
    id = sqlite3_last_insert_rowid(connection_.handle());
  }
  topic_ids_.emplace(name, id);
  return id;
}

Status WriteSession::store(const AppendRequest& request, AppendReceipt& receipt) {
  const std::int64_t now = wall_ns();
  for (std::size_t at = 0; at < request.streams.size(); ++at) {
    const StreamAppend& append = request.streams[at];
    if (append.events.empty()) continue;
    const auto found = find_stream(append.stream);
    if (!found) return found.error();
    Stream& stream = **found;
    if (stream.id == 0) {
      if (auto created = create_stream(append.stream, stream); !created) return created;
    }
    receipt.streams[at].first = stream.version + 1;
    for (const EncodedEvent& event : append.events) {
      if (auto stored = store_event(stream, now, event); !stored) return stored;
    }
    receipt.streams[at].last = stream.version;
  }
  receipt.last = last_position_;
  return Nothing{};
}

Status WriteSession::store_event(Stream& stream, std::int64_t now, const EncodedEvent& event) {
  const auto topic = topic_id(event.envelope.topic);
  if (!topic) return topic.error();
  const EventId id = event.envelope.id ? event.envelope.id : EventId::make();
  const EventPlace place{++last_position_, id, stream.id, ++stream.version, *topic, now};
  if (const int code = insert_event(statements_.insert_event, place, event); code != SQLITE_DONE) {
    return fail(code, "store an event");
  }
  recent_ids_.add(id);
  for (const std::string& tag : event.envelope.tags) {
    statements_.insert_tag.bind(1, std::string_view{tag});
    statements_.insert_tag.bind(2, place.position);
    if (auto tagged = run(statements_.insert_tag, "store a tag"); !tagged) return tagged;
  }
  return Nothing{};
}

}  // namespace headrace::sqlite
