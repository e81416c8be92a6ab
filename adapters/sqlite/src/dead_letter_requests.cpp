#include "dead_letter_requests.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>

#include "session_sql.hpp"

namespace headrace::sqlite {
namespace {

using Action = DeadLetterRequest::Action;
using State = DeadLetterAnswer::State;

constexpr std::array<std::string_view, 2> kActions = {"redrive", "release"};
constexpr std::array<std::string_view, 4> kStates = {"asked", "running", "finished", "withdrawn"};
// What was asked lately can be read in the file; the rest would only grow.
constexpr std::int64_t kKept = 1000;

std::int64_t ns_since_1970(EventTime time) { return time.time_since_epoch().count(); }

template <class Number>
void bind_if(Statement& statement, int at, const std::optional<Number>& value) {
  value ? statement.bind(at, static_cast<std::int64_t>(*value)) : statement.bind_null(at);
}
void bind_if(Statement& statement, int at, const std::optional<std::string>& value) {
  value ? statement.bind(at, std::string_view{*value}) : statement.bind_null(at);
}
std::optional<std::string> text_if(const Statement& row, int column) {
  return row.is_null(column) ? std::optional<std::string>{} : std::optional{std::string{row.text(column)}};
}

DeadLetterRequests::Taken read_request(const Statement& row) {
  DeadLetterRequests::Taken taken;
  taken.id = row.number(0);
  DeadLetterRequest& request = taken.request;
  request.action = row.text(1) == kActions[1] ? Action::release : Action::redrive;
  if (!row.is_null(2)) request.filter.id = row.number(2);
  request.filter.subscription = text_if(row, 3);
  request.filter.topic = text_if(row, 4);
  request.filter.key = text_if(row, 5);
  if (!row.is_null(6)) request.letters_max = row.number(6);
  request.letters_per_second = row.real(7);
  return taken;
}

}  // namespace

Result<DeadLetterRequestId> LetterRequests::ask(const DeadLetterRequest& request, EventTime now,
                                                EventTime expires) {
  DeadLetterRequestId id = 0;
  const Status done = write_([&](WriteSession& session) -> Status {
    const auto statement = session.cached(
        "INSERT INTO dead_letter_requests (action, letter_id, subscription, topic, key, letters_max, "
        "letters_per_second, asked_ns, expires_ns) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    if (!statement) return statement.error();
    {
      Statement& row = **statement;
      const Running running(row);
      row.bind(1, kActions[static_cast<std::size_t>(request.action)]);
      bind_if(row, 2, request.filter.id);
      bind_if(row, 3, request.filter.subscription);
      bind_if(row, 4, request.filter.topic);
      bind_if(row, 5, request.filter.key);
      constexpr auto kMost = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
      bind_if(row, 6, request.letters_max < kMost ? std::optional{request.letters_max} : std::nullopt);
      row.bind(7, request.letters_per_second);
      row.bind(8, ns_since_1970(now));
      row.bind(9, ns_since_1970(expires));
      if (const int code = row.step(); code != SQLITE_DONE) return session.fail(code, "ask for a redrive");
    }
    const std::int64_t last = sqlite3_last_insert_rowid(session.connection().handle());
    id = static_cast<DeadLetterRequestId>(last);
    return run_sql(session, "DELETE FROM dead_letter_requests WHERE request_id <= ?1", last - kKept);
  });
  if (!done) return done.error();
  return id;
}

Result<std::optional<DeadLetterAnswer>> LetterRequests::look(DeadLetterRequestId id) {
  auto reader = readers_.take();
  if (!reader) return reader.error();
  auto row = (*reader)->connection().prepare(
      "SELECT state, answered_by, heard_ns, handled, returned, skipped, why_skipped, error "
      "FROM dead_letter_requests WHERE request_id = ?1");
  if (!row) return row.error();
  row->bind(1, id);
  const int code = row->step();
  if (code == SQLITE_DONE) return std::optional<DeadLetterAnswer>{};
  if (code != SQLITE_ROW) return (*reader)->connection().error(code, "look for a request");
  DeadLetterAnswer answer;
  const auto state = std::find(kStates.begin(), kStates.end(), row->text(0));
  if (state == kStates.end()) return Error{"request " + std::to_string(id) + " is damaged", {}};
  answer.state = static_cast<State>(state - kStates.begin());
  answer.by = row->text(1);
  answer.heard_at = EventTime{std::chrono::nanoseconds{row->integer(2)}};
  answer.handled = row->number(3);
  answer.returned = row->number(4);
  answer.skipped = row->number(5);
  answer.why_skipped = row->text(6);
  answer.error = row->text(7);
  return std::optional{std::move(answer)};
}

Result<bool> LetterRequests::withdraw(DeadLetterRequestId id) {
  bool withdrawn = false;
  const Status done = write_([&](WriteSession& session) -> Status {
    Status changed = run_sql(session,
                             "UPDATE dead_letter_requests SET state = 'withdrawn' "
                             "WHERE request_id = ?1 AND state = 'asked'",
                             id);
    withdrawn = changed && sqlite3_changes(session.connection().handle()) == 1;
    return changed;
  });
  if (!done) return done.error();
  return withdrawn;
}

Result<bool> LetterRequests::is_any_asked(EventTime now) {
  auto reader = readers_.take();
  if (!reader) return reader.error();
  const auto asked = (*reader)->connection().number(
      "SELECT EXISTS (SELECT 1 FROM dead_letter_requests WHERE state = 'asked' "
      "AND expires_ns > " +
      std::to_string(ns_since_1970(now)) + ")");
  if (!asked) return asked.error();
  return *asked != 0;
}

Result<std::optional<DeadLetterRequests::Taken>> LetterRequests::take(std::string_view by, EventTime now) {
  const auto asked = is_any_asked(now);
  if (!asked) return asked.error();
  std::optional<Taken> taken;
  if (!*asked) return taken;
  const Status done = write_([&](WriteSession& session) {
    return each_row(
        session,
        "UPDATE dead_letter_requests SET state = 'running', answered_by = ?1, heard_ns = ?2 WHERE request_id = "
        "(SELECT min(request_id) FROM dead_letter_requests WHERE state = 'asked' AND expires_ns > ?2) "
        "RETURNING request_id, action, letter_id, subscription, topic, key, letters_max, letters_per_second",
        [&](const Statement& row) { taken = read_request(row); }, by, ns_since_1970(now));
  });
  if (!done) return done.error();
  return taken;
}

Status LetterRequests::report(DeadLetterRequestId id, const DeadLetterAnswer& answer, EventTime now) {
  return write_([&](WriteSession& session) {
    return run_sql(session,
                   "UPDATE dead_letter_requests SET state = ?2, heard_ns = ?3, handled = ?4, returned = ?5, "
                   "skipped = ?6, why_skipped = ?7, error = ?8 WHERE request_id = ?1",
                   id, kStates[static_cast<std::size_t>(answer.state)], ns_since_1970(now), answer.handled,
                   answer.returned, answer.skipped, answer.why_skipped, answer.error);
  });
}

}  // namespace headrace::sqlite
