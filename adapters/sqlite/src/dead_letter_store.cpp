#include "dead_letter_store.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "dead_letter_row.hpp"
#include "event_row.hpp"
#include "headrace/event/time_after.hpp"
#include "session_sql.hpp"

namespace headrace::sqlite {
namespace {

const std::string kSelect = "SELECT " + std::string{kLetterColumns} + " FROM dead_letters ";

Error damaged(const Statement& row) {
  return {"dead letter " + std::to_string(row.number(0)) + " is damaged", {}, Error::Retry::no};
}

Status count(WriteSession& session, std::string_view name, std::size_t more) {
  if (more == 0) return Nothing{};
  return run_sql(session, "UPDATE store_numbers SET value = value + ?2 WHERE name = ?1", name, more);
}

/// The letter of the same event and subscription, if there is one.
Status find_again(WriteSession& session, const DeadLetter& letter, std::optional<DeadLetter>& before) {
  if (letter.envelope.id.is_none()) return Nothing{};
  const IdBytes id(letter.envelope.id);
  Status damage = Nothing{};
  const Status done = each_row(
      session, kSelect + "WHERE subscription = ?1 AND event_id = ?2",
      [&](const Statement& row) {
        if (!read_letter(row, before.emplace())) damage = damaged(row);
      },
      letter.subscription, id.span());
  return done ? damage : done;
}

Status write_letter(WriteSession& session, const DeadLetter& letter) {
  const auto statement = session.cached(std::string{kWriteLetter});
  if (!statement) return statement.error();
  if (const int code = write_letter(**statement, letter); code != SQLITE_DONE) {
    return session.fail(code, "store a dead letter");
  }
  return Nothing{};
}

/// Runs a statement for each id; counts the rows that it changed. ?1 is the id, ?2 the lease.
Status change_each(WriteSession& session, const std::string& sql, DeadLetterLease lease,
                   std::span<const DeadLetterId> ids, std::size_t& changed) {
  if (lease == 0) return Nothing{};
  for (const DeadLetterId id : ids) {
    if (auto done = run_sql(session, sql, id, lease); !done) return done;
    changed += static_cast<std::size_t>(sqlite3_changes(session.connection().handle()));
  }
  return Nothing{};
}

}  // namespace

Result<std::unique_ptr<DeadLetterStore>> DeadLetters::open(Look look, Write write,
                                                           SqliteDeadLetterOptions options) {
  auto letters = std::make_unique<DeadLetters>(std::move(look), std::move(write), options);
  auto totals = letters->totals();
  if (!totals) return totals.error();
  letters->base_ = *totals;
  letters->base_.added -= totals->stored;  // what is there now counts as added
  return std::unique_ptr<DeadLetterStore>(std::move(letters));
}

Result<Added> DeadLetters::add(std::span<DeadLetter> letters) {
  for (const DeadLetter& letter : letters) {
    if (!letter.body) {
      return Error{"a dead letter holds no bytes: the subscription needs a codec", letter.envelope.topic};
    }
  }
  Added added;
  const Status done = write_([&](WriteSession& session) { return add_in(session, letters, added); });
  if (!done) return done.error();
  return added;
}

Status DeadLetters::add_in(WriteSession& session, std::span<DeadLetter> letters, Added& added) const {
  const auto there = number_sql(session, "SELECT count(*) FROM dead_letters");
  if (!there) return there.error();
  auto stored = static_cast<std::size_t>(*there);
  std::size_t fresh = 0;
  for (const DeadLetter& letter : letters) {
    std::optional<DeadLetter> before;
    if (auto found = find_again(session, letter, before); !found) return found;
    DeadLetter written = letter;
    if (before) {
      continue_letter(written, std::move(*before));
      ++added.replaced;
    } else {
      const auto room = make_room(session, stored, added);
      if (!room) return room.error();
      if (!*room) break;
      written.id = 0;
      written.redrives = 0;
      ++fresh;
      stored = std::min(stored + 1, options_.letters_max);
    }
    if (auto done = write_letter(session, written); !done) return done;
    ++added.letters;
  }
  const std::pair<std::string_view, std::size_t> sums[] = {
      {"dead_letters_added", fresh},
      {"dead_letters_replaced", added.replaced},
      {"dead_letters_dropped", added.dropped},
      {"dead_letters_refused", letters.size() - added.letters}};
  for (const auto& [name, more] : sums) {
    if (auto done = count(session, name, more); !done) return done;
  }
  return Nothing{};
}

Result<bool> DeadLetters::make_room(WriteSession& session, std::size_t stored, Added& added) const {
  if (stored < options_.letters_max) return true;
  if (options_.when_full == WhenFull::refuse) return false;
  const auto oldest =
      number_sql(session, "SELECT letter_id FROM dead_letters WHERE lease = 0 ORDER BY letter_id LIMIT 1");
  if (!oldest) return oldest.error();
  if (*oldest == 0) return false;
  if (auto done = run_sql(session, "DELETE FROM dead_letters WHERE letter_id = ?1", *oldest); !done) {
    return done.error();
  }
  ++added.dropped;
  return true;
}

Result<std::vector<DeadLetter>> DeadLetters::list(const DeadLetterFilter& filter, std::size_t letters_max) const {
  std::vector<DeadLetter> found;
  const Status done = look_([&](Connection& connection) -> Status {
    auto rows = connection.prepare(kSelect + "WHERE letter_id > ?1 ORDER BY letter_id");
    if (!rows) return rows.error();
    rows->bind(1, filter.after);
    while (found.size() < letters_max) {
      const int code = rows->step();
      if (code == SQLITE_DONE) break;
      if (code != SQLITE_ROW) return connection.error(code, "list dead letters");
      DeadLetter letter;
      if (!read_letter(*rows, letter)) return damaged(*rows);
      if (filter.matches(letter)) found.push_back(std::move(letter));
    }
    return Nothing{};
  });
  if (!done) return done.error();
  return found;
}

Result<std::optional<DeadLetter>> DeadLetters::show(DeadLetterId id) const {
  DeadLetterFilter filter;
  filter.id = id;
  filter.after = id == 0 ? 0 : id - 1;
  auto found = list(filter, 1);
  if (!found) return found.error();
  return found->empty() ? std::optional<DeadLetter>{} : std::optional{std::move(found->front())};
}

Result<Taken> DeadLetters::take(const TakeRequest& request) {
  Taken taken;
  const Status done = write_([&](WriteSession& session) { return take_in(session, request, taken); });
  if (!done) return done.error();
  return taken;
}

Status DeadLetters::take_in(WriteSession& session, const TakeRequest& request, Taken& taken) {
  // All parking letters, by place: a letter is taken when it is the first that is left of its place.
  std::map<std::pair<std::string, std::string>, std::vector<DeadLetterId>> turns;
  auto done = each_row(
      session, "SELECT subscription, key, letter_id FROM dead_letters WHERE parks_key = 1 ORDER BY letter_id DESC",
      [&](const Statement& row) {
        turns[{std::string{row.text(0)}, std::string{row.text(1)}}].push_back(row.number(2));
      });
  if (!done) return done;
  Status damage = Nothing{};
  done = each_row(
      session, kSelect + "WHERE letter_id > ?1 AND NOT (lease <> 0 AND held_until_ns > ?2) ORDER BY letter_id",
      [&](const Statement& row) {
        if (taken.letters.size() == request.letters_max) return;
        DeadLetter letter;
        if (!read_letter(row, letter)) {
          damage = damaged(row);
          return;
        }
        if (!request.filter.matches(letter)) return;
        if (letter.parks_key) {
          auto& turn = turns[{letter.subscription, letter.envelope.key}];
          if (turn.back() != letter.id) return;
          turn.pop_back();
        }
        ++letter.redrives;
        taken.letters.push_back(std::move(letter));
      },
      request.filter.after, request.now.time_since_epoch().count());
  if (!done || !damage || taken.letters.empty()) return done ? damage : done;

  const auto lease = number_sql(
      session, "UPDATE store_numbers SET value = value + 1 WHERE name = 'dead_letter_lease' RETURNING value");
  if (!lease) return lease.error();
  taken.lease = static_cast<DeadLetterLease>(*lease);
  for (const DeadLetter& letter : taken.letters) {
    done = run_sql(session,
                   "UPDATE dead_letters SET lease = ?2, held_until_ns = ?3, redrives = redrives + 1 "
                   "WHERE letter_id = ?1",
                   letter.id, taken.lease, time_after(request.now, request.lease_for).time_since_epoch().count());
    if (!done) return done;
  }
  return Nothing{};
}

Result<std::size_t> DeadLetters::settle(DeadLetterLease lease, std::span<const DeadLetterId> ids) {
  std::size_t settled = 0;
  const Status done = write_([&](WriteSession& session) -> Status {
    if (auto deleted = change_each(session, "DELETE FROM dead_letters WHERE letter_id = ?1 AND lease = ?2", lease,
                                   ids, settled);
        !deleted) {
      return deleted;
    }
    return count(session, "dead_letters_settled", settled);
  });
  if (!done) return done.error();
  return settled;
}

Result<std::size_t> DeadLetters::release(DeadLetterLease lease, std::span<const DeadLetterId> ids) {
  std::size_t released = 0;
  const Status done = write_([&](WriteSession& session) {
    return change_each(session, "UPDATE dead_letters SET lease = 0 WHERE letter_id = ?1 AND lease = ?2", lease,
                       ids, released);
  });
  if (!done) return done.error();
  return released;
}

Result<std::size_t> DeadLetters::renew(DeadLetterLease lease, EventTime now, std::chrono::nanoseconds lease_for) {
  std::size_t renewed = 0;
  const Status done = write_([&](WriteSession& session) -> Status {
    if (lease == 0) return Nothing{};
    if (auto held = run_sql(session, "UPDATE dead_letters SET held_until_ns = ?2 WHERE lease = ?1", lease,
                            time_after(now, lease_for).time_since_epoch().count());
        !held) {
      return held;
    }
    renewed = static_cast<std::size_t>(sqlite3_changes(session.connection().handle()));
    return Nothing{};
  });
  if (!done) return done.error();
  return renewed;
}

Result<std::size_t> DeadLetters::discard(const DeadLetterFilter& filter, EventTime now) {
  std::size_t discarded = 0;
  const Status done = write_([&](WriteSession& session) -> Status {
    std::vector<DeadLetterId> doomed;
    Status damage = Nothing{};
    const Status read = each_row(
        session, kSelect + "WHERE letter_id > ?1 AND NOT (lease <> 0 AND held_until_ns > ?2)",
        [&](const Statement& row) {
          DeadLetter letter;
          const bool whole = read_letter(row, letter);
          if (!filter.matches(letter)) return;
          doomed.push_back(letter.id);
          // Who names one wants to be rid of it, as it is; who asks for many may not know of it.
          if (!whole && !filter.id) damage = damaged(row);
        },
        filter.after, now.time_since_epoch().count());
    if (!read || !damage) return read ? damage : read;
    for (const DeadLetterId id : doomed) {
      if (auto gone = run_sql(session, "DELETE FROM dead_letters WHERE letter_id = ?1", id); !gone) return gone;
    }
    discarded = doomed.size();
    return count(session, "dead_letters_discarded", discarded);
  });
  if (!done) return done.error();
  return discarded;
}

Result<std::vector<ParkedKey>> DeadLetters::parked_keys() const {
  std::vector<ParkedKey> keys;
  const Status done = look_([&](Connection& connection) -> Status {
    auto rows = connection.prepare(
        "SELECT subscription, key, count(*) FROM dead_letters WHERE parks_key = 1 GROUP BY subscription, key "
        "ORDER BY subscription, key");
    if (!rows) return rows.error();
    for (;;) {
      const int code = rows->step();
      if (code == SQLITE_DONE) return Nothing{};
      if (code != SQLITE_ROW) return connection.error(code, "list parked keys");
      keys.push_back({std::string{rows->text(0)}, std::string{rows->text(1)}, rows->number(2)});
    }
  });
  if (!done) return done.error();
  return keys;
}

Result<std::uint64_t> DeadLetters::parked(std::string_view subscription, std::string_view key) const {
  std::uint64_t letters = 0;
  const Status done = look_([&](Connection& connection) -> Status {
    auto row = connection.prepare(
        "SELECT count(*) FROM dead_letters WHERE parks_key = 1 AND subscription = ?1 AND key = ?2");
    if (!row) return row.error();
    row->bind(1, subscription);
    row->bind(2, key);
    if (const int code = row->step(); code != SQLITE_ROW) return connection.error(code, "look for a parked key");
    letters = row->number(0);
    return Nothing{};
  });
  if (!done) return done.error();
  return letters;
}

Result<DeadLetterCounts> DeadLetters::totals() const {
  DeadLetterCounts totals;
  const Status done = look_([&](Connection& connection) -> Status {
    auto row = connection.prepare(
        "SELECT (SELECT count(*) FROM dead_letters), "
        "(SELECT count(*) FROM (SELECT DISTINCT subscription, key FROM dead_letters WHERE parks_key = 1)), "
        "max(value) FILTER (WHERE name = 'dead_letters_added'), "
        "max(value) FILTER (WHERE name = 'dead_letters_replaced'), "
        "max(value) FILTER (WHERE name = 'dead_letters_settled'), "
        "max(value) FILTER (WHERE name = 'dead_letters_discarded'), "
        "max(value) FILTER (WHERE name = 'dead_letters_dropped'), "
        "max(value) FILTER (WHERE name = 'dead_letters_refused') FROM store_numbers");
    if (!row) return row.error();
    if (const int code = row->step(); code != SQLITE_ROW) return connection.error(code, "count dead letters");
    totals = {row->number(0), row->number(1), row->number(2), row->number(3),
              row->number(4), row->number(5), row->number(6), row->number(7)};
    return Nothing{};
  });
  if (!done) return done.error();
  return totals;
}

Result<DeadLetterCounts> DeadLetters::counts() const {
  auto now = totals();
  if (!now) return now;
  now->added -= base_.added;
  now->replaced -= base_.replaced;
  now->settled -= base_.settled;
  now->discarded -= base_.discarded;
  now->dropped -= base_.dropped;
  now->refused -= base_.refused;
  return now;
}

}  // namespace headrace::sqlite
