#include "write_session.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "event_row.hpp"
#include "schema.hpp"

namespace headrace::sqlite {
namespace {

constexpr std::string_view kLastPosition =
    "SELECT max(ifnull((SELECT max(position) FROM events), 0), "
    "(SELECT value FROM store_numbers WHERE name = 'truncated_position'))";

std::string pragmas(const SqliteOptions& options) {
  constexpr std::array kSynchronous = {"FULL", "NORMAL", "OFF"};
  return std::string{"PRAGMA synchronous = "} + kSynchronous[static_cast<std::size_t>(options.durability)] +
         "; PRAGMA foreign_keys = OFF"  // the session keeps them itself, at no cost a row
         "; PRAGMA temp_store = MEMORY"
         "; PRAGMA wal_autocheckpoint = 0"  // SQLite would not tell of its failures
         "; PRAGMA cache_size = -" +
         std::to_string(options.cache_bytes >> 10);
}

/// SQLite answers with the mode that it stays in, and no error, where it cannot.
Status write_ahead(Connection& connection) {
  auto asked = connection.prepare("PRAGMA journal_mode = WAL");
  if (!asked) return asked.error();
  int code = asked->step();
  const bool answered = code == SQLITE_ROW;
  const bool is_on = answered && asked->text(0) == "wal";
  if (answered) code = asked->step();
  if (code != SQLITE_DONE) return connection.error(code, "write ahead");
  if (is_on) return Nothing{};
  return Error{"there is no write-ahead log without a file system that has shared memory", connection.file()};
}

int remember_wal_pages(void* pages, sqlite3*, const char*, int count) {
  *static_cast<std::size_t*>(pages) = static_cast<std::size_t>(count);
  return SQLITE_OK;
}

}  // namespace

Result<std::unique_ptr<WriteSession>> WriteSession::open(const SqliteOptions& options) {
  const bool create = options.access == SqliteAccess::create;
  // Room made ahead pays where each commit flushes.
  auto log = std::make_unique<GatheredLog>(options.vfs, options.durability == SqliteDurability::full
                                                            ? GatheredLog::Room::ahead
                                                            : GatheredLog::Room::as_needed);
  auto connection =
      Connection::open(options.file, create ? Connection::Access::create : Connection::Access::write, log->vfs());
  if (!connection) return connection.error();
  sqlite3_busy_timeout(connection->handle(), static_cast<int>(options.busy_timeout.count()));
  // Until it is known to work: closing what failed must not try the same pages again.
  sqlite3_db_config(connection->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (auto status = connection->run(pragmas(options)); !status) return status.error();
  if (auto status = write_ahead(*connection); !status) return status.error();
  if (auto status = migrate(*connection); !status) return status.error();
  if (auto status = add_topic_function(*connection); !status) return status.error();
  auto topics = Names::of_topics(*connection);
  if (!topics) return topics.error();
  std::unique_ptr<WriteSession> session(
      new WriteSession(std::move(log), std::move(connection).value(), std::move(topics).value(), options));
  if (auto status = session->prepare(); !status) return status.error();
  if (auto status = session->refresh(); !status) return status.error();
  sqlite3_wal_hook(session->connection_.handle(), remember_wal_pages, &session->wal_pages_);
  sqlite3_db_config(session->connection_.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  return session;
}

Status WriteSession::prepare() {
  Statements& all = statements_;
  const std::pair<Statement*, std::string_view> texts[] = {
      {&all.begin, "BEGIN IMMEDIATE"},
      {&all.commit, "COMMIT"},
      {&all.data_version, "PRAGMA data_version"},
      {&all.last_position, kLastPosition},
      {&all.greatest_id, "SELECT max(event_id) FROM events"},
      {&all.find_event, "SELECT position, stream_id, stream_version FROM events WHERE event_id = ?1"},
      {&all.find_stream,
       "SELECT stream_id, max(truncated_version, ifnull((SELECT max(stream_version) FROM events e "
       "WHERE e.stream_id = s.stream_id), 0)) FROM streams s WHERE name = ?1"},
      {&all.insert_stream, "INSERT INTO streams (name) VALUES (?1)"},
      {&all.find_topic, "SELECT topic_id FROM topics WHERE name = ?1"},
      {&all.insert_topic, "INSERT INTO topics (name) VALUES (?1)"},
      {&all.insert_event, kInsertEvent},
      {&all.insert_tag, "INSERT OR IGNORE INTO event_tags (tag, position) VALUES (?1, ?2)"},
  };
  for (const auto& [statement, text] : texts) {
    auto prepared = connection_.prepare(text);
    if (!prepared) return prepared.error();
    *statement = std::move(prepared).value();
  }
  return Nothing{};
}

Error WriteSession::fail(int code, std::string_view doing) {
  failed_ = true;
  disk_failed_ = is_disk_failure(code);
  return connection_.error(code, doing);
}

Status WriteSession::run(Statement& statement, std::string_view doing) {
  const Running running(statement);
  if (const int code = statement.step(); code != SQLITE_DONE && code != SQLITE_ROW) return fail(code, doing);
  return Nothing{};
}

// Another program may have written since: what is remembered holds only as long as nobody did.
Status WriteSession::refresh() {
  const Running running(statements_.data_version);
  if (const int code = statements_.data_version.step(); code != SQLITE_ROW) return fail(code, "begin");
  if (const auto seen = statements_.data_version.integer(0); seen != data_version_) {
    streams_.clear();
    const Running reading(statements_.last_position);
    if (const int code = statements_.last_position.step(); code != SQLITE_ROW) return fail(code, "begin");
    last_position_ = statements_.last_position.number(0);
    const Running looking(statements_.greatest_id);
    if (const int code = statements_.greatest_id.step(); code != SQLITE_ROW) return fail(code, "begin");
    recent_ids_.start_behind(read_id(statements_.greatest_id.blob(0)));
    data_version_ = seen;
  }
  return Nothing{};
}

Status WriteSession::begin() {
  failed_ = false;
  disk_failed_ = false;
  if (auto begun = run(statements_.begin, "begin"); !begun) return begun;
  constexpr std::size_t kRememberedMax = 100'000;
  if (streams_.size() > kRememberedMax) streams_.clear();
  if (topic_ids_.size() > kRememberedMax) topic_ids_.clear();
  return refresh();
}

Status WriteSession::commit() { return run(statements_.commit, "commit"); }

void WriteSession::rollback() noexcept {
  if (sqlite3_get_autocommit(connection_.handle()) == 0) static_cast<void>(connection_.run("ROLLBACK"));
  forget();
}

void WriteSession::forget() noexcept {
  streams_.clear();
  topic_ids_.clear();
  topics_.forget();
  data_version_ = -1;  // refresh() looks again
}

Result<Statement*> WriteSession::cached(const std::string& sql) {
  auto found = selects_.find(connection_, sql);
  if (!found) failed_ = true;
  return found;
}

Status WriteSession::run_alone(const Change& change) {
  if (auto marked = connection_.run("SAVEPOINT change"); !marked) return marked;
  Status done = change(*this);
  if (failed_) return done;
  if (!done) {
    if (auto undone = run_whole("ROLLBACK TO change"); !undone) return undone;
    forget();
    if (auto looked = refresh(); !looked) return looked;
  }
  if (auto released = run_whole("RELEASE change"); !released) return released;
  return done;
}

/// Without it the transaction is not what its changes took it for, so that a failure is that of all.
Status WriteSession::run_whole(const std::string& sql) {
  if (connection_.run(sql)) return Nothing{};
  return fail(sqlite3_extended_errcode(connection_.handle()), sql);
}

Status WriteSession::checkpoint_if_long() {
  if (wal_pages_ < wal_pages_max_) return Nothing{};
  wal_pages_ = 0;
  // Passive: readers and other writers go on. What a reader still needs stays in the log for the next time.
  const int code =
      sqlite3_wal_checkpoint_v2(connection_.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (is_disk_failure(code)) return fail(code, "move the log into the file");
  return Nothing{};
}

void WriteSession::abandon() noexcept {
  sqlite3_db_config(connection_.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

Status WriteSession::execute(std::string_view sql, std::initializer_list<std::int64_t> numbers) {
  auto statement = connection_.prepare(sql);
  if (!statement) {
    failed_ = true;
    return statement.error();
  }
  int at = 0;
  for (const std::int64_t number : numbers) statement->bind(++at, number);
  return run(*statement, "truncate");
}

Status WriteSession::truncate_stream(std::string_view name, StreamVersion keep_from) {
  auto found = find_stream(std::string{name});
  if (!found) return found.error();
  const Stream stream = **found;
  const auto until = static_cast<std::int64_t>(std::min(keep_from, stream.version + 1));
  if (stream.id == 0 || until <= 1) return Nothing{};
  for (const char* sql :
       {"DELETE FROM event_tags WHERE position IN "
        "(SELECT position FROM events WHERE stream_id = ?1 AND stream_version < ?2)",
        "UPDATE store_numbers SET value = max(value, ifnull((SELECT max(position) FROM events "
        "WHERE stream_id = ?1 AND stream_version < ?2), 0)) WHERE name = 'truncated_position'",
        "DELETE FROM events WHERE stream_id = ?1 AND stream_version < ?2",
        "UPDATE streams SET truncated_version = max(truncated_version, ?2 - 1) WHERE stream_id = ?1"}) {
    if (auto done = execute(sql, {stream.id, until}); !done) return done;
  }
  return Nothing{};
}

Status WriteSession::truncate_all(EventPosition keep_from) {
  const auto until = static_cast<std::int64_t>(std::min(keep_from, last_position_ + 1));
  for (const char* sql :
       {"UPDATE streams SET truncated_version = max(truncated_version, ifnull((SELECT max(stream_version) "
        "FROM events e WHERE e.stream_id = streams.stream_id AND position < ?1), 0)) "
        "WHERE stream_id IN (SELECT DISTINCT stream_id FROM events WHERE position < ?1)",
        "DELETE FROM event_tags WHERE position < ?1",
        "UPDATE store_numbers SET value = max(value, ifnull((SELECT max(position) FROM events WHERE position < "
        "?1), "
        "0)) WHERE name = 'truncated_position'",
        "DELETE FROM events WHERE position < ?1"}) {
    if (auto done = execute(sql, {until}); !done) return done;
  }
  return Nothing{};
}

}  // namespace headrace::sqlite
