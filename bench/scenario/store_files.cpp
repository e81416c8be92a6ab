#include "scenario/store_files.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

namespace headrace::bench {

StoreFolder::StoreFolder() {
  std::string name = (std::filesystem::current_path() / "store-bench-XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make a folder here");
  path_ = name;
}

StoreFolder::~StoreFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::unique_ptr<SqliteEventStore> open_store(const StoreFolder& folder, SqliteDurability durability) {
  auto store = SqliteEventStore::open(
      {.file = folder.file(), .durability = durability, .cache_bytes = std::size_t{64} << 20});
  if (!store) throw std::runtime_error(store.error().message());
  return std::move(store).value();
}

std::vector<EncodedEvent> stored_events(std::size_t count) {
  std::vector<EncodedEvent> events(count);
  for (EncodedEvent& event : events) {
    event.envelope.id = EventId::make();
    event.envelope.topic = "orders.placed";
    event.body.assign(kStoredBodyBytes, std::byte{7});
  }
  return events;
}

double thousands_per_second(Context& context, std::size_t writers, std::size_t batch,
                            const std::function<void(std::size_t writer)>& write) {
  using std::chrono::steady_clock;
  std::atomic<std::uint64_t> appends{0};
  // Long enough for a few flushes of a slow disk.
  const auto length = std::chrono::duration<double>(std::max(0.5, 3 * context.seconds_per_run()));
  const auto begin = steady_clock::now();
  std::vector<std::function<void()>> threads;
  for (std::size_t writer = 0; writer < writers; ++writer) {
    threads.push_back([&, writer] {
      while (steady_clock::now() - begin < length) {
        write(writer);
        appends.fetch_add(1, std::memory_order_relaxed);  // no partner: the threads' ends order it
      }
    });
  }
  const double seconds = context.run_free(threads);
  const std::uint64_t all = appends.load(std::memory_order_relaxed);  // no partner: joined
  return static_cast<double>(all * batch) / seconds / 1e3;
}

namespace {

/// As the store writes it: the greater the later.
std::array<char, 16> bytes_of(const EventId& id) {
  std::array<char, 16> bytes;
  for (unsigned at = 0; at < 8; ++at) {
    bytes[at] = static_cast<char>(id.high >> (56 - 8 * at));
    bytes[8 + at] = static_cast<char>(id.low >> (56 - 8 * at));
  }
  return bytes;
}

}  // namespace

PlainTable::PlainTable(const StoreFolder& folder, SqliteDurability durability, Rows rows) : rows_(rows) {
  if (sqlite3_open(folder.file().c_str(), &database_) != SQLITE_OK) throw std::runtime_error("cannot open a file");
  run("PRAGMA journal_mode = WAL");
  run(durability == SqliteDurability::full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  run("PRAGMA cache_size = -65536");
  run(rows == Rows::plain ? "CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, stream INTEGER NOT "
                            "NULL, version INTEGER "
                            "NOT NULL, topic TEXT NOT NULL, body BLOB NOT NULL, UNIQUE (stream, version))"
                          : "CREATE TABLE IF NOT EXISTS events (position INTEGER PRIMARY KEY, stream INTEGER NOT "
                            "NULL, version INTEGER "
                            "NOT NULL, topic TEXT NOT NULL, body BLOB NOT NULL, id BLOB NOT NULL UNIQUE, UNIQUE "
                            "(stream, version))");
  begin_ = prepare("BEGIN IMMEDIATE");
  commit_ = prepare("COMMIT");
  insert_ = prepare(rows == Rows::plain
                        ? "INSERT INTO events (stream, version, topic, body) VALUES (?1, ?2, ?3, ?4)"
                        : "INSERT INTO events (stream, version, topic, body, id) VALUES (?1, ?2, ?3, ?4, ?5)");
  one_ = prepare("SELECT position, stream, version, topic, body FROM events WHERE stream = ?1 ORDER BY version");
  all_ = prepare("SELECT position, stream, version, topic, body FROM events ORDER BY position");
}

PlainTable::~PlainTable() {
  for (sqlite3_stmt* statement : {begin_, commit_, insert_, one_, all_}) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

void PlainTable::run(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sqlite3_errmsg(database_));
  }
}

sqlite3_stmt* PlainTable::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sqlite3_errmsg(database_));
  }
  return statement;
}

void PlainTable::step(sqlite3_stmt* statement) {
  if (sqlite3_step(statement) != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(database_));
  sqlite3_reset(statement);
}

void PlainTable::insert(std::int64_t stream) {
  static const std::vector<std::byte> body(kStoredBodyBytes, std::byte{7});
  versions_.resize(std::max(versions_.size(), static_cast<std::size_t>(stream) + 1));
  sqlite3_bind_int64(insert_, 1, stream);
  sqlite3_bind_int64(insert_, 2, ++versions_[static_cast<std::size_t>(stream)]);
  sqlite3_bind_text(insert_, 3, "orders.placed", -1, SQLITE_STATIC);
  sqlite3_bind_blob(insert_, 4, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
  std::array<char, 16> id;
  if (rows_ == Rows::with_ids) {
    id = bytes_of(EventId::make());
    sqlite3_bind_blob(insert_, 5, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
  }
  step(insert_);
}

void PlainTable::append(std::int64_t first, std::size_t rows, std::size_t streams) {
  step(begin_);
  for (std::size_t row = 0; row < rows; ++row) insert(first + static_cast<std::int64_t>(row % streams));
  step(commit_);
}

void PlainTable::append(std::span<const std::int64_t> streams) {
  step(begin_);
  for (const std::int64_t stream : streams) insert(stream);
  step(commit_);
}

std::size_t PlainTable::read(std::int64_t stream) {
  sqlite3_stmt* rows = stream < 0 ? all_ : one_;
  if (stream >= 0) sqlite3_bind_int64(rows, 1, stream);
  std::size_t bytes = 0;
  std::string topic;
  std::vector<std::byte> body;
  while (sqlite3_step(rows) == SQLITE_ROW) {
    keep(sqlite3_column_int64(rows, 0) + sqlite3_column_int64(rows, 1) + sqlite3_column_int64(rows, 2));
    topic.assign(reinterpret_cast<const char*>(sqlite3_column_text(rows, 3)),
                 static_cast<std::size_t>(sqlite3_column_bytes(rows, 3)));
    const auto* at = static_cast<const std::byte*>(sqlite3_column_blob(rows, 4));
    body.assign(at, at + sqlite3_column_bytes(rows, 4));
    bytes += body.size();
  }
  sqlite3_reset(rows);
  return bytes;
}

std::uint64_t PlainTable::rows() {
  sqlite3_stmt* count = prepare("SELECT count(*) FROM events");
  const auto found = sqlite3_step(count) == SQLITE_ROW ? sqlite3_column_int64(count, 0) : -1;
  sqlite3_finalize(count);
  return static_cast<std::uint64_t>(found);
}

}  // namespace headrace::bench
