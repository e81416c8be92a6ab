#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "headrace/sqlite/event_store.hpp"
#include "headrace/sqlite/maintenance.hpp"
#include "stored_events.hpp"
#include "temporary_folder.hpp"

namespace headrace::test {
namespace {

/// A file, and SQLite by hand beside the store.
class SqliteFile : public ::testing::Test {
 protected:
  ~SqliteFile() override { sqlite3_close(raw_); }

  Result<std::unique_ptr<SqliteEventStore>> open(SqliteOptions options = {}) {
    options.file = file_;
    options.durability = SqliteDurability::memory;
    return SqliteEventStore::open(options);
  }
  void run(const char* sql) {
    if (!raw_) {
      ASSERT_EQ(sqlite3_open(file_.c_str(), &raw_), SQLITE_OK);
    }
    ASSERT_EQ(sqlite3_exec(raw_, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(raw_);
  }
  static Result<AppendReceipt> append(EventStore& store, const char* body) {
    return store.append(AppendRequest::to("s", ExpectedVersion::any(), {event_of("t", body)}));
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_ / "events.db";
  sqlite3* raw_ = nullptr;
};

// Claim:  files that are not stores of ours are refused, with what they are, and left as they are.
// Method: text, another program's database, a store of a newer version, nothing where a file is asked for.
TEST_F(SqliteFile, RefusesWhatIsNoStoreOfOurs) {
  EXPECT_FALSE(open({.file = {}, .access = SqliteAccess::read}));
  EXPECT_FALSE(open({.file = {}, .access = SqliteAccess::write}));
  EXPECT_FALSE(std::filesystem::exists(file_));

  std::ofstream(file_) << std::string(5000, 'x');
  const auto text = open();
  ASSERT_FALSE(text);
  EXPECT_NE(text.error().message().find("no SQLite database"), std::string::npos) << text.error().message();

  std::filesystem::remove(file_);
  run("CREATE TABLE somebody_elses (x)");
  const auto foreign = open();
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().message().find("another program"), std::string::npos) << foreign.error().message();

  file_ = folder_ / "newer.db";
  sqlite3_close(raw_);
  raw_ = nullptr;
  ASSERT_TRUE(open());
  run("PRAGMA user_version = 99");
  const auto newer = open();
  ASSERT_FALSE(newer);
  EXPECT_NE(newer.error().message().find("schema version 99"), std::string::npos) << newer.error().message();
}

// Claim:  a file of the first schema is brought up to date by opening it, with its events.
// Method: take away what later schemas added.
TEST_F(SqliteFile, OldFilesAreBroughtUpToDate) {
  { ASSERT_TRUE(append(**open(), "1")); }
  run("DROP TABLE dead_letters; DROP TABLE done_events; DROP TABLE dead_letter_requests; DROP TABLE leases; "
      "DELETE FROM "
      "store_numbers WHERE name LIKE 'dead%' OR "
      "name = 'events_retired'; "
      "PRAGMA user_version = 1");
  const auto reading = open({.file = {}, .access = SqliteAccess::read});
  ASSERT_FALSE(reading);
  EXPECT_NE(reading.error().message().find("old schema"), std::string::npos) << reading.error().message();
  auto store = open();
  ASSERT_TRUE(store) << store.error().message();
  EXPECT_EQ(bodies(read_all(**store)), (Bodies{"1"}));
  EXPECT_TRUE((*store)->dead_letters());
  EXPECT_TRUE((*store)->leases().hold("a", 1, {}, {}).value());
}

// Claim:  while another program holds the file for writing an append waits, then says so; nothing is half done,
//         and the store goes on afterwards.
TEST_F(SqliteFile, SaysThatTheFileIsLocked) {
  auto store = open({.file = {}, .busy_timeout = std::chrono::milliseconds{20}});
  ASSERT_TRUE(append(**store, "1"));
  run("BEGIN IMMEDIATE");
  const auto refused = append(**store, "2");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().retry, Error::Retry::maybe);
  EXPECT_NE(refused.error().message().find("locked by another program"), std::string::npos)
      << refused.error().message();
  EXPECT_EQ(bodies(read_all(**store)), (Bodies{"1"}));
  run("ROLLBACK");
  ASSERT_TRUE(append(**store, "3"));
  EXPECT_EQ(bodies(read_all(**store)), (Bodies{"1", "3"}));
}

// Claim:  two stores on one file see each other's events and give out no version or position twice.
// Method: two writers on one stream, each by a store of its own; a third waits for what they append.
TEST_F(SqliteFile, SeveralStoresShareTheFile) {
  auto one = open();
  auto two = open();
  auto three = open({.file = {}, .foreign_poll = std::chrono::milliseconds{1}});
  std::thread other([&] {
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(append(**two, "x"));
  });
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(append(**one, "x"));
  EXPECT_GE(*(*three)->wait_beyond(99, std::chrono::hours{1}, {}), 100U);
  other.join();
  const auto events = read_stream(**three, {.stream = "s"});
  ASSERT_EQ(events.size(), 100U);
  for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].version, i + 1);
}

// Claim:  appends that nobody waits for share transactions, and a queue that is full refuses without losing any.
// Method: hold the file, submit more than the queue takes, let go.
TEST_F(SqliteFile, AFullQueueRefuses) {
  auto store = open({.file = {}, .queue_requests_max = 10});
  run("BEGIN IMMEDIATE");
  std::atomic<int> stored{0};
  std::atomic<int> refused{0};
  for (int i = 0; i < 40; ++i) {
    (*store)->submit(AppendRequest::to("s", ExpectedVersion::any(), {event_of("t", "x")}),
                     [&](const Result<AppendReceipt>& receipt) { ++(receipt ? stored : refused); });
  }
  run("ROLLBACK");
  store->reset();
  EXPECT_GE(refused.load(), 20);
  EXPECT_EQ(stored.load() + refused.load(), 40);
  EXPECT_EQ(read_all(**open()).size(), static_cast<std::size_t>(stored.load()));
}

// Claim:  what a transaction did is there together, or not at all; one that fails spoils nobody else's.
TEST_F(SqliteFile, TransactionsAreWhole) {
  auto store = open();
  const auto pay = [&](std::int64_t cents, bool fails) {
    return (*store)->transact([&](SqliteTransaction& transaction) -> Status {
      if (auto made = transaction.run("CREATE TABLE IF NOT EXISTS accounts (id INTEGER PRIMARY KEY, cents INTEGER "
                                      "CHECK (cents >= 0))");
          !made) {
        return made.error();
      }
      auto paid = transaction.run("INSERT INTO accounts VALUES (?1, ?2)", {std::monostate{}, cents});
      if (!paid) return paid.error();
      EXPECT_EQ(*paid, 1U);
      const auto receipt = transaction.append(
          AppendRequest::to("s", ExpectedVersion::any(), {event_of("paid", std::to_string(cents))}));
      if (!receipt) return receipt.error();
      return fails ? Status{Error{"changed its mind", {}}} : Status{Nothing{}};
    });
  };
  EXPECT_TRUE(pay(5, false));
  EXPECT_FALSE(pay(6, true));
  EXPECT_FALSE(pay(-1, false)) << "the table does not take it";
  EXPECT_TRUE(pay(7, false));
  EXPECT_EQ(bodies(read_stream(**store, {.stream = "s"})), (Bodies{"5", "7"}));
  std::vector<SqlRow> rows;
  EXPECT_TRUE((*store)->transact([&](SqliteTransaction& transaction) -> Status {
    rows = transaction.query("SELECT sum(cents), count(*) FROM accounts").value();
    EXPECT_FALSE(transaction.run("COMMIT"));
    EXPECT_FALSE(transaction.run("no sql"));
    return Nothing{};
  }));
  EXPECT_EQ(rows, (std::vector<SqlRow>{{std::int64_t{12}, std::int64_t{2}}}));
  EXPECT_TRUE(append(**store, "8"));
}

// Claim:  a read model in the same file gets each event's effect once: a batch that fails leaves neither effects
//         nor checkpoint behind.
// Method: a handler that fails at the third event the first time.
TEST_F(SqliteFile, ReadModelsHaveTheirEffectsOnce) {
  auto store = open();
  for (const char* body : {"1", "2", "3", "4"}) ASSERT_TRUE(append(**store, body));
  const auto events = read_all(**store);
  bool fails = true;
  const ReadModel model =
      (*store)->read_model("sum", [&](SqliteTransaction& transaction, const StoredEvent& event) -> Status {
        if (fails && text_of(event.event.body) == "3") return Error{"not yet", {}};
        auto made = transaction.run("CREATE TABLE IF NOT EXISTS seen (body TEXT)");
        if (made) made = transaction.run("INSERT INTO seen VALUES (?1)", {text_of(event.event.body)});
        return made ? Status{Nothing{}} : Status{made.error()};
      });
  EXPECT_EQ(*model.checkpoint(), 0U);
  const auto failed = model.apply(events, events.back().position);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message().find("s@3"), std::string::npos) << failed.error().message();
  EXPECT_EQ(*model.checkpoint(), 0U);
  fails = false;
  ASSERT_TRUE(model.apply(events, events.back().position));
  EXPECT_EQ(*model.checkpoint(), events.back().position);
  EXPECT_TRUE((*store)->transact([](SqliteTransaction& transaction) -> Status {
    EXPECT_EQ(transaction.query("SELECT count(*) FROM seen").value(), (std::vector<SqlRow>{{std::int64_t{4}}}));
    return Nothing{};
  }));
}

// Claim:  snapshots and checkpoints are there when the file is opened again.
TEST_F(SqliteFile, SnapshotsAndCheckpointsStay) {
  const AggregateSnapshot snapshot{7, 2, bytes_of("state")};
  {
    auto store = open();
    EXPECT_FALSE(*(*store)->snapshots().load("s"));
    ASSERT_TRUE((*store)->snapshots().save("s", {6, 2, bytes_of("older")}));
    ASSERT_TRUE((*store)->snapshots().save("s", snapshot));
    ASSERT_TRUE((*store)->checkpoints().save("p", 41));
    ASSERT_TRUE((*store)->checkpoints().save("p", 42));
  }
  auto store = open();
  EXPECT_EQ(*(*store)->snapshots().load("s"), std::optional{snapshot});
  EXPECT_EQ(*(*store)->checkpoints().load("p"), 42U);
  ASSERT_TRUE((*store)->snapshots().remove("s"));
  EXPECT_FALSE(*(*store)->snapshots().load("s"));
}

// Claim:  a page of the file that was overwritten is found by verify, and reading it is an error, not an event.
// Method: zero each page in turn but the first; somebody must complain about every one that held something.
TEST_F(SqliteFile, OverwrittenPagesAreFound) {
  {
    auto store = open();
    for (int i = 0; i < 60; ++i) ASSERT_TRUE(append(**store, std::string(200, 'x').c_str()));
  }
  std::ifstream in(file_, std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  constexpr std::size_t kPage = 4096;
  for (std::size_t page = 1; page < good.size() / kPage; ++page) {
    std::string bad = good;
    bad.replace(page * kPage, kPage, kPage, '\0');
    std::ofstream(file_, std::ios::binary | std::ios::trunc) << bad;
    const auto verdict = verify_sqlite_store(file_);
    EXPECT_TRUE(!verdict || !verdict->problems.empty()) << "page " << page;
  }
}

}  // namespace
}  // namespace headrace::test
