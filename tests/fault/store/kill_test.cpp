#include <gtest/gtest.h>

#include <random>

#include "temporary_folder.hpp"
#include "writing_child.hpp"

namespace headrace::test {
namespace {

/// Kills a writing process so many times, on one file; answers what was wrong.
std::vector<std::string> kill_often(std::uint64_t kills, Honesty honesty) {
  const TemporaryFolder folder;
  SqliteOptions options;
  options.file = folder / "events.db";
  // A killed process loses nothing that the system has; the log is moved into the file often, so that kills meet
  // it.
  options.durability = SqliteDurability::memory;
  options.wal_pages = 20;
  std::mt19937_64 random(kills);
  std::vector<Acknowledged> acknowledged;
  for (std::uint64_t kill = 0; kill < kills; ++kill) {
    WritingChild child(append_for_ever(options, honesty));
    child.wait_for(1 + random() % 300);
    const auto said = child.kill();
    if (said.empty()) return {"the child ended by itself"};
    acknowledged.insert(acknowledged.end(), said.begin(), said.end());
    if (auto faults = faults_of(options.file, kWriters, acknowledged); !faults.empty()) return faults;
  }
  return {};
}

// Claim:  a process that is killed while several threads append loses nothing that was acknowledged, doubles
//         nothing, and leaves no append half done; the next process goes on.
// Method: kill -9 after a random number of acknowledgements; HEADRACE_KILLS says how often, 60 without.
TEST(StoreKilled, KeepsWhatItAcknowledged) {
  const auto faults = kill_often(from_environment("HEADRACE_KILLS", 60), Honesty::acknowledges_when_stored);
  EXPECT_TRUE(faults.empty()) << faults[0];
}

// Claim:  the test above finds a store that acknowledges too early.
// Method: the same with a child that says so before it appends.
TEST(StoreKilled, TheHarnessFindsEarlyAcknowledgements) {
  EXPECT_FALSE(kill_often(30, Honesty::acknowledges_before).empty());
}

}  // namespace
}  // namespace headrace::test
