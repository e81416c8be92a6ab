// The log that the writer hands over in pieces (adapters/sqlite/src/log_file.hpp), and what may happen between them.
#include <gtest/gtest.h>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "acknowledged.hpp"
#include "cut_disk.hpp"
#include "faulty_disk.hpp"
#include "plain_connection.hpp"
#include "sqlite/src/log_file.hpp"
#include "temporary_folder.hpp"

namespace headrace::test {
namespace {

constexpr std::int64_t kRows = 400;
const std::string kCountOfRound = "SELECT count(*) FROM fat WHERE round = ";

/// A table of more pages than a connection keeps, so that they go to the log before the commit.
void make_fat_table(const std::filesystem::path& file) {
  Plain plain(file);
  ASSERT_EQ(plain.run("PRAGMA journal_mode = WAL; CREATE TABLE fat (number INTEGER PRIMARY KEY, round INTEGER, "
                      "filling BLOB); CREATE TABLE notes (note TEXT);"
                      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
                      std::to_string(kRows) + ") INSERT INTO fat SELECT i, 0, zeroblob(900) FROM n"),
            SQLITE_OK);
}

using Room = sqlite::GatheredLog::Room;
class GatheredLog : public ::testing::TestWithParam<Room> {};
INSTANTIATE_TEST_SUITE_P(With, GatheredLog, ::testing::Values(Room::as_needed, Room::ahead),
                         [](const auto& one) { return one.param == Room::ahead ? "RoomAhead" : "RoomAsNeeded"; });

// Claim:  (I2) what was undone comes never, over nothing that another program has written in its place.
// Method: the log has been moved into the file, so that undoing reads nothing of it, and the pages held back stay so; the
//         transaction is undone, another program writes at the same place of the log, both look and write again.
TEST_P(GatheredLog, WhatWasUndoneComesOverNothing) {
  const TemporaryFolder folder;
  const auto file = folder / "fat.db";
  make_fat_table(file);
  const sqlite::GatheredLog log({}, GetParam());
  Plain writer(file, log.vfs());
  ASSERT_EQ(writer.run("PRAGMA cache_size = 8; PRAGMA wal_autocheckpoint = 0"), SQLITE_OK);
  for (int round = 1; round <= 40; ++round) {
    SCOPED_TRACE(round);
    ASSERT_EQ(writer.run("PRAGMA wal_checkpoint(PASSIVE)"), SQLITE_OK);
    // Another number of pages each time: there is a rest, and another one, that no piece was filled with.
    const std::string some = " WHERE number <= " + std::to_string(40 + 4 * round);
    ASSERT_EQ(writer.run("BEGIN IMMEDIATE; UPDATE fat SET round = -1, filling = randomblob(900)" + some),
              SQLITE_OK);
    ASSERT_EQ(writer.run("ROLLBACK"), SQLITE_OK);
    Plain stranger(file);
    ASSERT_EQ(stranger.run("UPDATE fat SET round = " + std::to_string(round)), SQLITE_OK);
    ASSERT_EQ(writer.text(kCountOfRound + std::to_string(round)), std::to_string(kRows));
    ASSERT_EQ(writer.run("INSERT INTO notes VALUES ('a round')"), SQLITE_OK);
    ASSERT_EQ(Plain(file).text(kCountOfRound + std::to_string(round)), std::to_string(kRows));
    ASSERT_EQ(Plain(file).text("PRAGMA integrity_check"), "ok");
  }
}

// Claim:  (I3) a transaction of which a piece could not be written is not committed without it.
// Method: a disk that is full at the nth write, and has room again afterwards; SQLite undoes the statement only, the
//         program goes on and commits. For every n until none is met.
TEST_P(GatheredLog, IsNotCommittedWithoutALostPiece) {
  std::uint64_t hits = 0;
  std::uint64_t undone_alone = 0;
  for (std::uint64_t nth = 1;; ++nth) {
    SCOPED_TRACE(nth);
    const TemporaryFolder folder;
    const auto file = folder / "fat.db";
    make_fat_table(file);
    FaultyDisk disk;
    const sqlite::GatheredLog log(FaultyDisk::name(), GetParam());
    Plain writer(file, log.vfs());
    ASSERT_EQ(writer.run("PRAGMA cache_size = 8; PRAGMA wal_autocheckpoint = 0; BEGIN IMMEDIATE"), SQLITE_OK);
    disk.fail(DiskFault::write_full, nth, 1);
    bool stays = writer.run("UPDATE fat SET round = 1, filling = randomblob(900)") == SQLITE_OK;
    // The 200th row is there already, so that this one is undone by its own journal, whatever else befalls it.
    const int second = writer.run(
        "INSERT INTO fat SELECT number + 100000 - (number = 300) * 100100, 2, zeroblob(900) "
        "FROM fat WHERE number <= 300");
    EXPECT_NE(second, SQLITE_OK);
    if (second == SQLITE_FULL && writer.is_in_transaction()) ++undone_alone;
    if (!writer.is_in_transaction() || writer.run("COMMIT") != SQLITE_OK) {
      static_cast<void>(writer.run("ROLLBACK"));
      stays = false;
    }
    const bool hit = disk.has_failed();
    disk.heal();
    Plain reader(file);
    ASSERT_EQ(reader.text(kCountOfRound + "1"), std::to_string(stays ? kRows : 0));
    ASSERT_EQ(reader.text("PRAGMA integrity_check"), "ok");
    // The next transaction knows nothing of it.
    ASSERT_EQ(writer.run("UPDATE fat SET round = 3"), SQLITE_OK);
    ASSERT_EQ(reader.text(kCountOfRound + "3"), std::to_string(kRows));
    if (!hit) {
      ASSERT_TRUE(stays);
      break;
    }
    ++hits;
  }
  EXPECT_GT(hits, 5U);
  EXPECT_GT(undone_alone, 0U);
}

struct CutStory {
  bool hit = false;
  std::vector<std::string> faults;
};

enum class End { kept, undone };

Status change(SqliteEventStore& store, const std::string& sql, End end = End::kept) {
  return store.transact([&](SqliteTransaction& transaction) -> Status {
    const auto changed = transaction.run(sql);
    if (!changed) return changed.error();
    return end == End::undone ? Status{Error{"undone", {}}} : Status{Nothing{}};
  });
}

/// Appends, changes a table of many pages and undoes it now and then, until the power is cut at the nth operation.
CutStory live_until_cut(SqliteDurability durability, std::uint64_t nth, std::uint64_t seed) {
  const TemporaryFolder folder;
  CutDisk disk;
  SqliteOptions options;
  options.file = folder / "events.db";
  options.durability = durability;
  options.vfs = CutDisk::name();
  options.cache_bytes = 32 << 10;
  options.wal_pages = 60;  // moves the log now and then
  {
    const auto store = SqliteEventStore::open(options).value();
    const bool made =
        change(*store, "CREATE TABLE fat (number INTEGER PRIMARY KEY, round INTEGER, filling BLOB)") &&
        change(*store,
               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) "
               "INSERT INTO fat SELECT i, 0, zeroblob(900) FROM n");
    HEADRACE_CHECK("test.table", made, "no table");
  }  // closing it flushes
  std::vector<Acknowledged> acknowledged;
  std::int64_t round = 0;
  {
    const auto store = SqliteEventStore::open(options).value();
    disk.cut_at(nth);
    for (std::uint32_t number = 1; number <= 4; ++number) {
      const auto request = pair_of_events(0, ExpectedVersion::exact(number - 1));
      const auto receipt = store->append(request);
      if (!receipt || !receipt->is_stored()) break;
      acknowledged.push_back({0, number, request.streams[0].events[0].envelope.id});
      static_cast<void>(change(*store, "UPDATE fat SET round = -1, filling = randomblob(900)", End::undone));
      if (!change(*store, "UPDATE fat SET filling = randomblob(900), round = " + std::to_string(number))) break;
      round = number;
    }
  }
  CutStory story;
  story.hit = disk.is_cut();
  disk.lose_what_was_not_flushed(seed);
  if (durability != SqliteDurability::full && story.hit) acknowledged.clear();
  story.faults = faults_of(options.file, 1, acknowledged);
  if (!story.faults.empty()) return story;
  Plain plain(options.file);
  const auto stored = std::stoll(plain.text("SELECT min(round) FROM fat"));
  if (stored != std::stoll(plain.text("SELECT max(round) FROM fat")))
    story.faults.push_back("a change is half there");
  if (durability == SqliteDurability::full && stored < round)
    story.faults.push_back("an acknowledged change is lost");
  return story;
}

class StoreOnCutDisk : public ::testing::TestWithParam<SqliteDurability> {};

// Claim:  at whichever operation the power is cut, between the pieces of a commit as well: the file is whole, nothing is
//         half there, and with durability full nothing that was acknowledged is lost.
// Method: of what was written since the last flush each sector is kept or not, by chance; for every operation until none
//         is met. HEADRACE_CUT_SEEDS says how often, once without.
TEST_P(StoreOnCutDisk, IsWhole) {
  const auto seeds = from_environment("HEADRACE_CUT_SEEDS", 1);
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    std::uint64_t cuts = 0;
    for (std::uint64_t nth = 1;; ++nth) {
      const CutStory story = live_until_cut(GetParam(), nth, seed * 1'000'003 + nth);
      ASSERT_TRUE(story.faults.empty()) << "operation " << nth << ", seed " << seed << ": " << story.faults[0];
      if (!story.hit) break;
      ++cuts;
    }
    EXPECT_GT(cuts, 30U);
  }
}

INSTANTIATE_TEST_SUITE_P(With, StoreOnCutDisk, ::testing::Values(SqliteDurability::full, SqliteDurability::normal),
                         [](const auto& one) { return one.param == SqliteDurability::full ? "Full" : "Normal"; });

// Claim:  the test above finds a store that acknowledges before the disk has it.
// Method: with durability normal, but as if it had promised what full does.
TEST(CutDiskOfTheTest, FindsALostTail) {
  const TemporaryFolder folder;
  CutDisk disk;
  std::vector<Acknowledged> acknowledged;
  const auto file = folder / "events.db";
  {
    auto store =
        SqliteEventStore::open({.file = file, .durability = SqliteDurability::normal, .vfs = CutDisk::name()})
            .value();
    for (std::uint32_t number = 1; number <= 6; ++number) {
      const auto request = pair_of_events(0, ExpectedVersion::exact(number - 1));
      ASSERT_TRUE(store->append(request));
      acknowledged.push_back({0, number, request.streams[0].events[0].envelope.id});
    }
    disk.cut_at(1);
  }
  ASSERT_TRUE(disk.is_cut());
  disk.lose_what_was_not_flushed(1);
  EXPECT_FALSE(faults_of(file, 1, acknowledged).empty());
}

}  // namespace
}  // namespace headrace::test
