#include "dedup_store.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "event_row.hpp"
#include "session_sql.hpp"

namespace headrace::sqlite {
namespace {

constexpr std::int64_t kInProgress = 0;
constexpr std::int64_t kDone = 1;

// Rows that are over are swept a few at a time, by whoever claims: each batch pays for twice what it may add.
constexpr std::size_t kSweptAClaim = 2;

IdBytes bytes_of(const DedupKey& key) { return IdBytes(EventId{key.high, key.low}); }

std::size_t changes(WriteSession& session) {
  return static_cast<std::size_t>(sqlite3_changes(session.connection().handle()));
}

struct Row {
  std::int64_t state, owner, answer, since;
};

Status find(WriteSession& session, const std::string& scope, const IdBytes& key, std::optional<Row>& found) {
  return each_row(
      session, "SELECT state, owner, answer, since_ns FROM done_events WHERE scope = ?1 AND key = ?2",
      [&](const Statement& row) {
        found = {row.integer(0), row.integer(1), row.integer(2), row.integer(3)};
      },
      scope, key.span());
}

}  // namespace

bool DoneEvents::is_over(std::int64_t state, std::int64_t since, std::int64_t now) const {
  return now - since >= (state == kDone ? options_.window : options_.claim_for).count();
}

Status DoneEvents::claim(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
                         std::span<DedupAnswer> answers) {
  if (owner == 0) return Error{"0 is nobody: an owner needs a number of its own", options_.scope};
  if (answers.size() < keys.size()) return Error{"fewer answers than keys", options_.scope};
  const std::int64_t now_ns = now.time_since_epoch().count();
  return write_([&](WriteSession& session) -> Status {
    for (const std::int64_t state : {kInProgress, kDone}) {
      const auto age = (state == kDone ? options_.window : options_.claim_for).count();
      if (auto swept = run_sql(session,
                               "DELETE FROM done_events WHERE rowid IN (SELECT rowid FROM done_events "
                               "WHERE scope = ?1 AND state = ?2 AND since_ns <= ?3 LIMIT ?4)",
                               options_.scope, state, now_ns - age, keys.size() * kSweptAClaim);
          !swept) {
        return swept;
      }
    }
    const auto there = number_sql(session, "SELECT count(*) FROM done_events WHERE scope = ?1", options_.scope);
    if (!there) return there.error();
    auto events = static_cast<std::size_t>(*there);
    for (std::size_t at = 0; at < keys.size(); ++at) {
      if (auto done = claim_one(session, keys[at], owner, now_ns, events, answers[at]); !done) return done;
    }
    return Nothing{};
  });
}

Status DoneEvents::claim_one(WriteSession& session, const DedupKey& key, DedupOwner owner, std::int64_t now,
                             std::size_t& events, DedupAnswer& answer) const {
  const IdBytes bytes = bytes_of(key);
  std::optional<Row> found;
  if (auto looked = find(session, options_.scope, bytes, found); !looked) return looked;
  if (found && !is_over(found->state, found->since, now)) {
    answer = found->state == kDone ? DedupAnswer{DedupClaim::done, static_cast<std::uint8_t>(found->answer)}
                                   : DedupAnswer{DedupClaim::in_progress, 0};
    return Nothing{};
  }
  if (!found) {
    const auto room = make_room(session, now, events);
    if (!room) return room.error();
    if (!*room) {
      answer = {DedupClaim::full, 0};
      return Nothing{};
    }
    ++events;
  }
  answer = {DedupClaim::run, 0};
  return run_sql(session,
                 "INSERT OR REPLACE INTO done_events (scope, key, state, owner, answer, since_ns) "
                 "VALUES (?1, ?2, ?3, ?4, 0, ?5)",
                 options_.scope, bytes.span(), kInProgress, owner, now);
}

Result<bool> DoneEvents::make_room(WriteSession& session, std::int64_t now, std::size_t& events) const {
  if (events < options_.events_max) return true;
  // What is over goes first, then the oldest that is done; what is in progress stays.
  const std::string oldest =
      "DELETE FROM done_events WHERE rowid = (SELECT rowid FROM done_events WHERE scope = ?1 AND state = ?2 AND "
      "since_ns <= ?3 ORDER BY since_ns, rowid LIMIT 1)";
  const std::array<std::pair<std::int64_t, std::int64_t>, 2> choices = {
      std::pair{kInProgress, now - options_.claim_for.count()}, {kDone, now}};
  for (const auto& [state, until] : choices) {
    if (auto gone = run_sql(session, oldest, options_.scope, state, until); !gone) return gone.error();
    if (changes(session) > 0) {
      --events;
      return true;
    }
  }
  return false;
}

Result<std::size_t> DoneEvents::finish(std::span<const DedupFinish> ends, DedupOwner owner, EventTime now) {
  if (owner == 0) return Error{"0 is nobody: an owner needs a number of its own", options_.scope};
  std::size_t ended = 0;
  const Status done = write_([&](WriteSession& session) -> Status {
    for (const DedupFinish& end : ends) {
      if (auto one = finish_one(session, end, owner, now.time_since_epoch().count(), ended); !one) return one;
    }
    return Nothing{};
  });
  if (!done) return done.error();
  return ended;
}

Status DoneEvents::finish_one(WriteSession& session, const DedupFinish& end, DedupOwner owner, std::int64_t now,
                              std::size_t& ended) const {
  const IdBytes bytes = bytes_of(end.key);
  const Status done =
      end.end == DedupEnd::done
          ? run_sql(session,
                    "UPDATE done_events SET state = 1, since_ns = ?5, answer = ?4 "
                    "WHERE scope = ?1 AND key = ?2 AND owner = ?3 AND state = 0",
                    options_.scope, bytes.span(), owner, end.answer, now)
          : run_sql(session, "DELETE FROM done_events WHERE scope = ?1 AND key = ?2 AND owner = ?3 AND state = 0",
                    options_.scope, bytes.span(), owner);
  if (!done) return done;
  ended += changes(session);
  return Nothing{};
}

Result<std::size_t> DoneEvents::renew(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
                                      EventTime from) {
  if (owner == 0) return Error{"0 is nobody: an owner needs a number of its own", options_.scope};
  const std::int64_t since = std::max(now, from).time_since_epoch().count();
  std::size_t renewed = 0;
  const Status done = write_([&](WriteSession& session) -> Status {
    for (const DedupKey& key : keys) {
      if (auto one = run_sql(session,
                             "UPDATE done_events SET since_ns = ?4 "
                             "WHERE scope = ?1 AND key = ?2 AND owner = ?3 AND state = 0",
                             options_.scope, bytes_of(key).span(), owner, since);
          !one) {
        return one;
      }
      renewed += changes(session);
    }
    return Nothing{};
  });
  if (!done) return done.error();
  return renewed;
}

}  // namespace headrace::sqlite
