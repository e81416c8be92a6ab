#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/bench.hpp"
#include "headrace/sqlite/event_store.hpp"

/// What the rows of the event store share: files on the disk of the working folder, and SQLite by hand.
namespace headrace::bench {

inline constexpr std::size_t kStoredBodyBytes = 200;

/// A folder in the working folder: a temporary folder may live in memory, where flushing costs nothing.
class StoreFolder {
 public:
  StoreFolder();
  ~StoreFolder();
  StoreFolder(const StoreFolder&) = delete;
  StoreFolder& operator=(const StoreFolder&) = delete;
  [[nodiscard]] std::filesystem::path file() const { return path_ / "events.db"; }

 private:
  std::filesystem::path path_;
};

[[nodiscard]] std::unique_ptr<SqliteEventStore> open_store(const StoreFolder& folder, SqliteDurability durability);
[[nodiscard]] std::vector<EncodedEvent> stored_events(std::size_t count);

/// `write(writer)` appends `batch` events, again and again on so many threads; answers thousands of events a second.
[[nodiscard]] double thousands_per_second(Context& context, std::size_t writers, std::size_t batch,
                                          const std::function<void(std::size_t writer)>& write);

/// The least that an event store by hand needs: (stream, version) unique, a topic, a body. With ids it can tell, as ours,
/// that an event is there already.
class PlainTable {
 public:
  enum class Rows { plain, with_ids };
  PlainTable(const StoreFolder& folder, SqliteDurability durability, Rows rows = Rows::plain);
  ~PlainTable();
  PlainTable(const PlainTable&) = delete;
  PlainTable& operator=(const PlainTable&) = delete;

  /// One transaction of so many rows, of this stream or of as many from it on, in turn.
  void append(std::int64_t stream, std::size_t rows, std::size_t streams = 1);
  /// The same, of a row in each of these streams.
  void append(std::span<const std::int64_t> streams);
  /// Reads every column of one stream, or of all (-1); answers the bytes of the bodies.
  [[nodiscard]] std::size_t read(std::int64_t stream);
  [[nodiscard]] std::uint64_t rows();

 private:
  void run(const char* sql);
  void step(sqlite3_stmt* statement);
  void insert(std::int64_t stream);
  [[nodiscard]] sqlite3_stmt* prepare(const char* sql);
  const Rows rows_;
  sqlite3* database_ = nullptr;
  sqlite3_stmt *begin_ = nullptr, *commit_ = nullptr, *insert_ = nullptr, *one_ = nullptr, *all_ = nullptr;
  std::vector<std::int64_t> versions_;
};

}  // namespace headrace::bench
