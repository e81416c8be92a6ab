#include "headrace/sqlite/retention.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "headrace/sqlite/event_store.hpp"

namespace headrace {
namespace {

constexpr std::int64_t kNoPosition = std::numeric_limits<std::int64_t>::max();

/// The least checkpoint that counts, and whose it is.
struct Reader {
  std::int64_t position = kNoPosition;
  std::string name;
};

std::int64_t number_at(const SqlRow& row, std::size_t column) {
  const auto* number = std::get_if<std::int64_t>(&row[column]);
  return number == nullptr ? 0 : *number;
}

Result<std::int64_t> one_number(SqliteTransaction& transaction, std::string_view sql,
                                std::initializer_list<SqlValue> values = {}) {
  const auto rows = transaction.query(sql, values);
  if (!rows) return rows.error();
  return rows->empty() ? 0 : number_at(rows->front(), 0);
}

Result<Reader> slowest_reader(SqliteTransaction& transaction, const std::vector<std::string>& ignored) {
  const auto rows = transaction.query("SELECT position, name FROM checkpoints ORDER BY position");
  if (!rows) return rows.error();
  for (const SqlRow& row : *rows) {
    const auto* name = std::get_if<std::string>(&row[1]);
    if (name == nullptr || std::find(ignored.begin(), ignored.end(), *name) != ignored.end()) continue;
    return Reader{number_at(row, 0), *name};
  }
  return Reader{};
}

Result<std::uint64_t> bytes_in_use(SqliteTransaction& transaction) {
  std::int64_t values[3];
  const std::string_view pragmas[] = {"PRAGMA page_count", "PRAGMA freelist_count", "PRAGMA page_size"};
  for (std::size_t at = 0; at < 3; ++at) {
    const auto value = one_number(transaction, pragmas[at]);
    if (!value) return value.error();
    values[at] = *value;
  }
  return static_cast<std::uint64_t>((values[0] - values[1]) * values[2]);
}

/// One transaction's share of a pass.
class Step {
 public:
  Step(const SqliteRetention& retention, std::int64_t stored_before_ns)
      : retention_(retention), stored_before_ns_(stored_before_ns) {}

  Status run(SqliteTransaction& transaction) {
    const auto reader = slowest_reader(transaction, retention_.ignored_checkpoints);
    if (!reader) return reader.error();
    auto used = bytes_in_use(transaction);
    if (!used) return used.error();
    const bool too_large = retention_.bytes_max != 0 && *used > retention_.bytes_max;
    if (too_large || stored_before_ns_ != 0) {
      if (Status done = choose(transaction, *reader, too_large); !done) return done;
    }
    if (events > 0) {
      if (Status done = remove(transaction); !done) return done;
      used = bytes_in_use(transaction);
      if (!used) return used.error();
    }
    bytes = *used;
    return Nothing{};
  }

  std::uint64_t events = 0;
  std::uint64_t unread = 0;
  std::uint64_t bytes = 0;
  std::string held_by;
  EventPosition held_at = 0;

 private:
  /// The oldest events that may go: they end at last_.
  // `+stream_id` keeps SQLite from going by streams, which would read and sort all of their events.
  Status choose(SqliteTransaction& transaction, const Reader& reader, bool too_large) {
    const auto rows = transaction.query(
        "SELECT position, stored_ns FROM events WHERE +stream_id IN (SELECT stream_id FROM streams WHERE name "
        "GLOB "
        "?1) "
        "ORDER BY position LIMIT ?2",
        {retention_.streams, static_cast<std::int64_t>(std::max<std::size_t>(retention_.events_each, 1))});
    if (!rows) return rows.error();
    for (const SqlRow& row : *rows) {
      const std::int64_t position = number_at(row, 0);
      if (!too_large && number_at(row, 1) >= stored_before_ns_) break;
      if (position > reader.position) {
        if (retention_.unread == SqliteRetention::Unread::keep) {
          held_by = reader.name;
          held_at = static_cast<EventPosition>(reader.position);
          break;
        }
        ++unread;
      }
      last_ = position;
      ++events;
    }
    return Nothing{};
  }

  Status remove(SqliteTransaction& transaction) const {
    // A stream's events have ascending positions, so that each loses its beginning and nothing else.
    constexpr std::string_view kStatements[] = {
        "UPDATE streams SET truncated_version = (SELECT max(stream_version) FROM events e "
        "WHERE e.stream_id = streams.stream_id AND position <= ?1) WHERE name GLOB ?2 AND stream_id IN "
        "(SELECT stream_id FROM events WHERE position <= ?1)",
        "DELETE FROM event_tags WHERE (tag, position) IN (SELECT j.value, e.position FROM events e, "
        "json_each(CASE WHEN json_valid(e.tags) THEN e.tags ELSE '[]' END) j WHERE e.position <= ?1 AND "
        "+e.stream_id IN (SELECT stream_id FROM streams WHERE name GLOB ?2))",
        "DELETE FROM events WHERE position <= ?1 AND +stream_id IN (SELECT stream_id FROM streams WHERE name GLOB "
        "?2)"};
    for (const std::string_view sql : kStatements) {
      if (auto done = transaction.run(sql, {last_, retention_.streams}); !done) return done.error();
    }
    for (const auto& [name, sql] :
         {std::pair{last_, "UPDATE store_numbers SET value = max(value, ?1) WHERE name = 'truncated_position'"},
          std::pair{static_cast<std::int64_t>(events),
                    "UPDATE store_numbers SET value = value + ?1 WHERE name = 'events_retired'"}}) {
      if (auto done = transaction.run(sql, {name}); !done) return done.error();
    }
    return Nothing{};
  }

  const SqliteRetention& retention_;
  const std::int64_t stored_before_ns_;
  std::int64_t last_ = 0;
};

}  // namespace

Result<SqliteRetained> retain(SqliteEventStore& store, const SqliteRetention& retention,
                              std::chrono::system_clock::time_point now, const std::stop_token& stop) {
  std::int64_t stored_before_ns = 0;
  if (retention.age_max.count() > 0) {
    stored_before_ns = (std::chrono::time_point_cast<std::chrono::nanoseconds>(now) - retention.age_max)
                           .time_since_epoch()
                           .count();
  }
  SqliteRetained retained;
  while (!stop.stop_requested()) {
    Step step(retention, stored_before_ns);
    const Status done = store.transact([&](SqliteTransaction& transaction) { return step.run(transaction); });
    if (!done) return done.error();
    retained.events += step.events;
    retained.unread += step.unread;
    retained.bytes = step.bytes;
    retained.held_by = std::move(step.held_by);
    retained.held_at = step.held_at;
    if (step.events < std::max<std::size_t>(retention.events_each, 1)) break;
  }
  return retained;
}

SqliteRetainer::SqliteRetainer(SqliteEventStore& store, SqliteRetention retention, std::chrono::milliseconds every)
    : store_(store),
      retention_(std::move(retention)),
      every_(every),
      thread_([this](const std::stop_token& stop) { loop(stop); }) {}

SqliteRetainer::Account SqliteRetainer::account() const {
  const std::scoped_lock lock(mutex_);
  return account_;
}

void SqliteRetainer::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    auto pass = retain(store_, retention_, std::chrono::system_clock::now(), stop);
    std::unique_lock lock(mutex_);
    ++account_.passes;
    if (pass) {
      pass->events += account_.all.events;
      pass->unread += account_.all.unread;
      account_.all = std::move(*pass);
      account_.error.reset();
    } else {
      account_.error = pass.error();
    }
    stopped_.wait_for(lock, stop, every_, [] { return false; });
  }
}

}  // namespace headrace
