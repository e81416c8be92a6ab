#include "reader.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "schema.hpp"

namespace headrace::sqlite {
namespace {

// An open statement keeps the log from being moved into the file: long reads look again after so many events.
constexpr std::size_t kPageEvents = 10'000;

constexpr std::string_view kStreamInfo =
    "SELECT s.name, max(truncated_version, ifnull((SELECT max(stream_version) FROM events e "
    "WHERE e.stream_id = s.stream_id), 0)), truncated_version + 1 FROM streams s WHERE ";

std::string taken_columns() { return "take_event(" + std::string{kEventColumns} + ")"; }

StreamInfo info_of(const Statement& row) { return {std::string{row.text(0)}, row.number(1), row.number(2)}; }

}  // namespace

Result<std::unique_ptr<Reader>> Reader::open(const SqliteOptions& options) {
  auto connection = Connection::open(options.file, Connection::Access::read, options.vfs);
  if (!connection) return connection.error();
  sqlite3_busy_timeout(connection->handle(), static_cast<int>(options.busy_timeout.count()));
  // Moving the log is the writer's, closing a reader must not do it.
  sqlite3_db_config(connection->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  if (auto status = connection->run("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -" +
                                    std::to_string(options.cache_bytes >> 10));
      !status) {
    return status.error();
  }
  if (auto status = check_schema(*connection); !status) return status.error();
  if (auto status = add_topic_function(*connection); !status) return status.error();
  auto streams = Names::of_streams(*connection);
  if (!streams) return streams.error();
  auto topics = Names::of_topics(*connection);
  if (!topics) return topics.error();
  std::unique_ptr<Reader> reader(
      new Reader(std::move(connection).value(), std::move(streams).value(), std::move(topics).value()));
  if (auto status = reader->prepare(); !status) return status.error();
  return reader;
}

Status Reader::prepare() {
  if (auto status = add_event_function(connection_, reading_); !status) return status;
  const std::string of_stream = "SELECT " + taken_columns() +
                                " FROM events e WHERE stream_id = ?1 AND stream_version >= ?2 AND "
                                "stream_version <= ?3 ORDER BY stream_version ";
  const std::pair<Statement*, std::string> texts[] = {
      {&statements_.stream_id, "SELECT stream_id FROM streams WHERE name = ?1"},
      {&statements_.forward, of_stream + "LIMIT ?4"},
      {&statements_.backward, of_stream + "DESC LIMIT ?4"},
      {&statements_.stream, std::string{kStreamInfo} + "name = ?1"},
      {&statements_.streams, std::string{kStreamInfo} + "name > ?1 ORDER BY name LIMIT ?2"},
      {&statements_.last_position,
       "SELECT max(ifnull((SELECT max(position) FROM events), 0), "
       "(SELECT value FROM store_numbers WHERE name = 'truncated_position'))"},
  };
  for (const auto& [statement, text] : texts) {
    auto prepared = connection_.prepare(text);
    if (!prepared) return prepared.error();
    *statement = std::move(prepared).value();
  }
  return Nothing{};
}

Result<Reader::PageEnd> Reader::visit_rows(Statement& rows, Columns columns, std::size_t rows_max,
                                           const EventVisitor& visitor, ReadEnd& end) {
  for (std::size_t row = 0; row < rows_max; ++row) {
    const int code = rows.step();
    if (code == SQLITE_DONE) return PageEnd::exhausted;
    if (code != SQLITE_ROW) return connection_.error(code, "read events");
    if (columns == Columns::apart) read_event(rows, reading_);
    if (reading_.fault != RowFault::none) {
      return Error{"the event at position " + std::to_string(reading_.position) +
                       " is damaged: " + std::string{describe(reading_.fault)},
                   connection_.file()};
    }
    ++end.events;
    end.through = reading_.position;
    if (visitor(reading_.event) == Visit::stop) return PageEnd::stopped;
  }
  return PageEnd::full;
}

Result<ReadEnd> Reader::read_stream(const StreamRead& read, const EventVisitor& visitor) {
  ReadEnd end;
  std::int64_t stream_id = 0;
  {
    const Running running(statements_.stream_id);
    statements_.stream_id.bind(1, std::string_view{read.stream});
    const int code = statements_.stream_id.step();
    if (code == SQLITE_DONE) return end;
    if (code != SQLITE_ROW) return connection_.error(code, "look for a stream");
    stream_id = statements_.stream_id.integer(0);
  }
  StreamVersion from = read.from;
  StreamVersion to = read.to;
  Statement& rows = read.direction == Direction::forward ? statements_.forward : statements_.backward;
  while (end.events < read.limit && from <= to) {
    const std::size_t page = std::min(kPageEvents, read.limit - end.events);
    const Running running(rows);
    rows.bind(1, stream_id);
    rows.bind(2, clamped(from));
    rows.bind(3, clamped(to));
    rows.bind(4, clamped(page));
    const auto ended = visit_rows(rows, Columns::taken, page, visitor, end);
    if (!ended) return ended.error();
    if (*ended != PageEnd::full) break;
    // The visitor may have moved from the event, not from its version.
    if (read.direction == Direction::forward) {
      from = reading_.event.version + 1;
    } else {
      to = reading_.event.version - 1;
    }
  }
  return end;
}

Result<ReadEnd> Reader::read_all(const GlobalRead& read, const EventVisitor& visitor) {
  const bool forward = read.direction == Direction::forward;
  ReadEnd end;
  // What is appended from here on is left to the next read, so that it is known up to where this one has looked.
  const auto last = last_position();
  if (!last) return last.error();
  EventPosition after = read.after;
  EventPosition to = std::min(read.to, *last);
  EventSelect select(read.query, topics_);
  const Columns columns = read.query.any_of.empty() ? Columns::taken : Columns::apart;
  const auto prepared =
      select.prepare(connection_, selects_,
                     columns == Columns::taken ? taken_columns() : std::string{kEventColumns}, read.direction);
  if (!prepared) return prepared.error();
  Statement& rows = **prepared;
  PageEnd ended = PageEnd::full;
  while (end.events < read.limit && after < to && ended == PageEnd::full) {
    const std::size_t page = std::min(kPageEvents, read.limit - end.events);
    const Running running(rows);
    select.bind(rows, after, to, page);
    const auto visited = visit_rows(rows, columns, page, visitor, end);
    if (!visited) return visited.error();
    ended = *visited;
    (forward ? after : to) = forward ? end.through : end.through - 1;
  }
  if (forward && ended == PageEnd::exhausted) end.through = to;
  if (forward) end.through = std::max(end.through, read.after);
  return end;
}

Result<StreamInfo> Reader::stream(std::string_view name) {
  Statement& row = statements_.stream;
  const Running running(row);
  row.bind(1, name);
  const int code = row.step();
  if (code == SQLITE_ROW) return info_of(row);
  if (code == SQLITE_DONE) return StreamInfo{std::string{name}, 0, 1};
  return connection_.error(code, "look for a stream");
}

Result<std::vector<StreamInfo>> Reader::streams(std::string_view after, std::size_t limit) {
  Statement& rows = statements_.streams;
  const Running running(rows);
  rows.bind(1, after);
  rows.bind(2, clamped(limit));
  std::vector<StreamInfo> found;
  for (;;) {
    const int code = rows.step();
    if (code == SQLITE_DONE) return found;
    if (code != SQLITE_ROW) return connection_.error(code, "list the streams");
    found.push_back(info_of(rows));
  }
}

Result<EventPosition> Reader::last_position() {
  Statement& row = statements_.last_position;
  const Running running(row);
  if (const int code = row.step(); code != SQLITE_ROW) return connection_.error(code, "read events");
  return row.number(0);
}

Result<Readers::Lease> Readers::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto reader = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(reader));
    }
  }
  auto reader = Reader::open(options_);
  if (!reader) return reader.error();
  return Lease(*this, std::move(reader).value());
}

void Readers::give_back(std::unique_ptr<Reader> reader) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < options_.readers_idle_max) idle_.push_back(std::move(reader));
}

}  // namespace headrace::sqlite
