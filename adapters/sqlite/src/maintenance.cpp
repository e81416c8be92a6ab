#include "headrace/sqlite/maintenance.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <string_view>
#include <system_error>

#include "event_row.hpp"
#include "schema.hpp"

namespace headrace {
namespace {

using sqlite::Connection;
using sqlite::Names;
using sqlite::RowFault;
using sqlite::Statement;

constexpr std::size_t kProblemsMax = 100;
constexpr int kBusyMs = 5000;

void add(SqliteVerdict& verdict, std::string problem) {
  if (verdict.problems.size() < kProblemsMax) verdict.problems.push_back(std::move(problem));
}

/// Each row of the query is a problem; the text is its first column.
Status collect(Connection& connection, std::string_view sql, SqliteVerdict& verdict) {
  auto statement = connection.prepare(sql);
  if (!statement) return statement.error();
  for (;;) {
    const int code = statement->step();
    if (code == SQLITE_DONE) return Nothing{};
    if (code != SQLITE_ROW) return connection.error(code, "verify");
    if (statement->text(0) != "ok") add(verdict, std::string{statement->text(0)});
  }
}

Status check_events(Connection& connection, SqliteVerdict& verdict) {
  auto streams = Names::of_streams(connection);
  auto topics = Names::of_topics(connection);
  if (!streams) return streams.error();
  if (!topics) return topics.error();
  auto rows =
      connection.prepare("SELECT " + std::string{sqlite::kEventColumns} + " FROM events e ORDER BY position");
  if (!rows) return rows.error();
  sqlite::EventReading reading{*streams, *topics};
  std::uint64_t tags = 0;
  for (;;) {
    const int code = rows->step();
    if (code == SQLITE_DONE) break;
    if (code != SQLITE_ROW) return connection.error(code, "verify");
    ++verdict.events;
    read_event(*rows, reading);
    if (reading.fault != RowFault::none) {
      add(verdict, "the event at position " + std::to_string(reading.position) +
                       " is damaged: " + std::string{describe(reading.fault)});
    } else {
      const std::vector<std::string>& all = reading.event.event.envelope.tags;
      tags += std::set<std::string>(all.begin(), all.end()).size();
    }
  }
  const auto indexed = connection.number("SELECT count(*) FROM event_tags");
  if (!indexed) return indexed.error();
  if (verdict.problems.empty() && static_cast<std::uint64_t>(*indexed) != tags) {
    add(verdict,
        "the events carry " + std::to_string(tags) + " tags, the index of tags has " + std::to_string(*indexed));
  }
  return Nothing{};
}

constexpr std::string_view kGaps =
    "SELECT 'stream ' || name || ' has ' || count(position) || ' events from version ' || (truncated_version + 1) "
    "|| "
    "' to ' || ifnull(max(stream_version), truncated_version) FROM streams LEFT JOIN events USING (stream_id) "
    "GROUP BY stream_id HAVING count(position) <> ifnull(max(stream_version), truncated_version) - "
    "truncated_version";

constexpr std::string_view kLostTags =
    "SELECT 'the tag ' || tag || ' points to position ' || position || ', where no event is' FROM event_tags "
    "WHERE position NOT IN (SELECT position FROM events)";

Result<Connection> open_for_reading(const std::filesystem::path& file) {
  auto connection = Connection::open(file, Connection::Access::read, {});
  if (!connection) return connection.error();
  sqlite3_busy_timeout(connection->handle(), kBusyMs);
  sqlite3_db_config(connection->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (auto status = check_schema(*connection); !status) return status.error();
  return connection;
}

Error system_error(std::string_view doing, const std::filesystem::path& path) {
  return {std::string{doing} + ": " + std::error_code(errno, std::generic_category()).message(), path.string(),
          Error::Retry::maybe};
}

/// Flushes a file, or the entries of a folder.
Status flush(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return system_error("open", path);
  const int flushed = ::fsync(descriptor);
  const Error error = system_error("flush", path);
  ::close(descriptor);
  if (flushed != 0) return error;
  return Nothing{};
}

Status copy_pages(Connection& from, const std::filesystem::path& to) {
  auto copy = Connection::open(to, Connection::Access::create, {});
  if (!copy) return copy.error();
  sqlite3_backup* backup = sqlite3_backup_init(copy->handle(), "main", from.handle(), "main");
  if (!backup) return copy->error(sqlite3_errcode(copy->handle()), "back up");
  // All pages in one step: one snapshot, which in WAL mode stops no writer.
  const int code = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE) return copy->error(code, "back up");
  return Nothing{};
}

}  // namespace

Result<SqliteVerdict> verify_sqlite_store(const std::filesystem::path& file) {
  auto connection = open_for_reading(file);
  if (!connection) return connection.error();
  // One snapshot for all of the checks.
  if (auto begun = connection->run("BEGIN"); !begun) return begun.error();
  SqliteVerdict verdict;
  const auto streams = connection->number("SELECT count(*) FROM streams");
  if (!streams) return streams.error();
  verdict.streams = static_cast<std::uint64_t>(*streams);
  for (const std::string_view sql : {std::string_view{"PRAGMA integrity_check(100)"}, kGaps, kLostTags}) {
    if (auto checked = collect(*connection, sql, verdict); !checked) add(verdict, checked.error().what);
  }
  if (auto checked = check_events(*connection, verdict); !checked) add(verdict, checked.error().what);
  return verdict;
}

Status backup_sqlite_store(const std::filesystem::path& file, const std::filesystem::path& copy) {
  if (std::filesystem::exists(copy)) return Error{"the file is there already", copy.string()};
  auto connection = open_for_reading(file);
  if (!connection) return connection.error();
  std::filesystem::path partial = copy;
  partial += ".partial";
  std::error_code ignored;
  std::filesystem::remove(partial, ignored);
  Status done = copy_pages(*connection, partial);
  if (done) done = flush(partial);
  if (done && ::link(partial.c_str(), copy.c_str()) != 0) done = system_error("back up", copy);
  std::filesystem::remove(partial, ignored);
  if (!done) return done;
  const auto folder = copy.parent_path();
  return flush(folder.empty() ? "." : folder);
}

}  // namespace headrace
