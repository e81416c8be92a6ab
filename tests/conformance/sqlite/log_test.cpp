// The log that the writer writes in large pieces, as other connections see it.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "headrace/sqlite/event_store.hpp"
#include "headrace/sqlite/maintenance.hpp"
#include "stored_events.hpp"
#include "temporary_folder.hpp"

namespace headrace::test {
namespace {

/// Another program, which has SQLite and nothing of ours.
class Stranger {
 public:
  explicit Stranger(const std::filesystem::path& file) {
    HEADRACE_CHECK("test.open", sqlite3_open(file.c_str(), &database_) == SQLITE_OK, "no database");
  }
  ~Stranger() { sqlite3_close(database_); }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;

  void run(const std::string& sql) {
    ASSERT_EQ(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database_);
  }
  [[nodiscard]] std::int64_t number(const std::string& sql) {
    std::int64_t found = -1;
    const auto take = [](void* to, int, char** columns, char**) {
      *static_cast<std::int64_t*>(to) = std::stoll(columns[0]);
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(database_, sql.c_str(), take, &found, nullptr), SQLITE_OK) << sqlite3_errmsg(database_);
    return found;
  }

 private:
  sqlite3* database_ = nullptr;
};

Status run_each(SqliteTransaction& transaction, std::initializer_list<std::string> statements) {
  for (const std::string& sql : statements) {
    if (auto done = transaction.run(sql); !done) return done.error();
  }
  return Nothing{};
}

class SqliteLog : public ::testing::TestWithParam<SqliteDurability> {};
INSTANTIATE_TEST_SUITE_P(With, SqliteLog, ::testing::Values(SqliteDurability::full, SqliteDurability::normal),
                         [](const auto& one) { return one.param == SqliteDurability::full ? "Full" : "Normal"; });

// Claim:  behind every commit other programs find all of it, and nothing of what was undone; they may write in between,
//         and nothing comes over what they have written.
// Method: transactions far larger than the cache, so that pages go to the log before the commit and, changed again,
//         once more; of three one is kept, one undone by its error and one by SQLite, with all that shared its commit.
//         Another program changes every page then, and both look. The log is moved into the file and begun anew at times.
TEST_P(SqliteLog, EveryCommitIsWholeForOtherPrograms) {
  const TemporaryFolder folder;
  const auto file = folder / "events.db";
  const auto store =
      SqliteEventStore::open({.file = file, .durability = GetParam(), .cache_bytes = 16 << 10, .wal_pages = 1500})
          .value();
  ASSERT_TRUE(store->transact([](SqliteTransaction& transaction) {
    return run_each(transaction, {"CREATE TABLE fat (number INTEGER PRIMARY KEY, round INTEGER, filling BLOB)",
                                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
                                  "INSERT INTO fat SELECT i, 0, zeroblob(600) FROM n"});
  }));
  std::int64_t kept = 0;
  for (std::int64_t round = 1; round <= 30; ++round) {
    SCOPED_TRACE(round);
    const Status done = store->transact([&](SqliteTransaction& transaction) -> Status {
      const std::string spoil = "UPDATE fat SET round = -1, filling = randomblob(600)";
      if (round % 3 == 2) return run_each(transaction, {spoil, "INSERT OR ROLLBACK INTO fat VALUES (1, 0, NULL)"});
      const auto changed = run_each(transaction, {spoil, "UPDATE fat SET round = " + std::to_string(round)});
      return changed && round % 3 == 1 ? Status{Error{"undone", {}}} : changed;
    });
    ASSERT_EQ(done.has_value(), round % 3 == 0);
    if (done) kept = round;
    const std::string of_last = "SELECT count(*) FROM fat WHERE round = " + std::to_string(kept);
    Stranger stranger(file);
    ASSERT_EQ(stranger.number(of_last), 1000);
    stranger.run("UPDATE fat SET filling = randomblob(600)");
    ASSERT_TRUE(store->transact([&](SqliteTransaction& transaction) -> Status {
      const auto rows = transaction.query(of_last);
      EXPECT_TRUE(rows && std::get<std::int64_t>(rows->at(0).at(0)) == 1000);
      return Nothing{};
    }));
    ASSERT_EQ(Stranger(file).number(of_last), 1000);
  }
  EXPECT_EQ(verify_sqlite_store(file)->problems, std::vector<std::string>{});
}

// Claim:  with durability full a commit makes the log no longer, but now and then, so that its flush need not write down
//         a new length; a log that stays short is not made long.
TEST(SqliteLogOfFullDurability, GrowsInSteps) {
  const TemporaryFolder folder;
  const auto file = folder / "events.db";
  const auto store = SqliteEventStore::open({.file = file}).value();
  std::set<std::uintmax_t> lengths;
  for (int append = 0; append < 100; ++append) {
    ASSERT_TRUE(store->append(AppendRequest::to("s", ExpectedVersion::any(), {event_of("t", "an event")})));
    lengths.insert(std::filesystem::file_size(file.string() + "-wal"));
  }
  EXPECT_LE(lengths.size(), 8U);
  EXPECT_LE(*lengths.begin(), 512U << 10);
}

}  // namespace
}  // namespace headrace::test
