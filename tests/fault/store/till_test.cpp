#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "faulty_disk.hpp"
#include "temporary_folder.hpp"
#include "till.hpp"
#include "writing_child.hpp"

namespace headrace::test {
namespace {

std::unique_ptr<SqliteEventStore> till_store(const std::filesystem::path& file,
                                             SqliteDurability durability = SqliteDurability::memory,
                                             const std::string& vfs = {}) {
  auto opened = SqliteEventStore::open({.file = file, .durability = durability, .wal_pages = 8, .vfs = vfs});
  HEADRACE_CHECK("test.open", opened.has_value(), "the store does not open");
  return std::move(opened).value();
}

// Claim:  whenever the process is killed, of each message everything is there (the program's row or the dead letter, the
//         event, and that it is done) or nothing, and of acknowledged ones everything, once.
// Method: kill -9 after a random number of messages, each of which comes twice; the next process is sent the last ones
//         of its predecessor again. HEADRACE_KILLS says how often, 25 without.
TEST(StoreKilled, RowLetterEventAndMemoryAreThereTogetherOrNotAtAll) {
  const TemporaryFolder folder;
  const auto file = folder / "till.db";
  ASSERT_TRUE(Till(*till_store(file)).make_table());
  std::mt19937_64 random(7);
  Messages acknowledged;
  for (auto run = from_environment("HEADRACE_KILLS", 25); run > 0; --run) {
    const std::int64_t first = std::max<std::int64_t>(1, static_cast<std::int64_t>(acknowledged.size()) - 5);
    WritingChild child([&](int pipe) {
      const auto store = till_store(file);
      Till till(*store);
      for (std::int64_t message = first;; ++message) {
        if (!till.take(message)) ::_exit(2);
        say(pipe, {0, static_cast<std::uint32_t>(message), {}});
        if (!till.take(message)) ::_exit(2);
      }
    });
    child.wait_for(7 + random() % 20);
    const auto said = child.kill();
    ASSERT_FALSE(said.empty());
    for (const Acknowledged& one : said) {
      if (one.number > acknowledged.size()) acknowledged.push_back(one.number);
    }
    ASSERT_EQ(Till(*till_store(file)).fault(acknowledged), "");
  }
}

class TillOnFaultyDisk : public ::testing::TestWithParam<DiskFault> {};
INSTANTIATE_TEST_SUITE_P(Every, TillOnFaultyDisk,
                         ::testing::Values(DiskFault::write_full, DiskFault::write_failed, DiskFault::sync_failed),
                         [](const auto& kind) { return to_string(kind.param); });

// Claim:  whichever operation of the disk fails under such a transaction, at its commit too, all of it is there or
//         nothing, and the messages that failed are taken when they come again.
// Method: fail the nth operation of each kind, once and from then on, for every n until a run meets none.
TEST_P(TillOnFaultyDisk, RowLetterEventAndMemoryAreThereTogetherOrNotAtAll) {
  const TemporaryFolder made;
  ASSERT_TRUE(Till(*till_store(made / "till.db")).make_table());
  const Messages messages{1, 2, 3, 4};
  std::uint64_t hits = 0;
  for (const std::uint64_t times : {std::uint64_t{1}, std::uint64_t{1} << 40}) {
    bool hit = true;
    for (std::uint64_t nth = 1; hit; ++nth) {
      SCOPED_TRACE("operation " + std::to_string(nth) + ", times " + std::to_string(times));
      const TemporaryFolder folder;
      std::filesystem::copy_file(made / "till.db", folder / "till.db");
      FaultyDisk disk;
      Messages acknowledged;
      {
        const auto store = till_store(folder / "till.db", SqliteDurability::full, FaultyDisk::name());
        Till till(*store);
        disk.fail(GetParam(), nth, times);
        for (const std::int64_t message : messages) {
          if (till.take(message)) acknowledged.push_back(message);
        }
        hit = disk.has_failed();
        hits += hit ? 1 : 0;
      }
      disk.heal();
      const auto store = till_store(folder / "till.db");
      Till till(*store);
      ASSERT_EQ(till.fault(acknowledged), "");
      for (const std::int64_t message : messages) ASSERT_TRUE(till.take(message));
      ASSERT_EQ(till.fault(messages), "");
    }
  }
  EXPECT_GT(hits, 0U);
}

}  // namespace
}  // namespace headrace::test
