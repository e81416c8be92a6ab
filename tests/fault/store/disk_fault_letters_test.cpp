#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "acknowledged.hpp"
#include "faulty_disk.hpp"
#include "headrace/port/dead_letter_store.hpp"
#include "temporary_folder.hpp"

namespace headrace::test {
namespace {

using namespace std::chrono_literals;

constexpr EventTime kThen{1'700'000'000s};

DeadLetter letter_about(std::uint64_t number) {
  DeadLetter letter;
  letter.envelope.id = EventId::of(1'700'000'000'000 + number, number, number);
  letter.envelope.topic = "orders.placed";
  letter.envelope.key = std::to_string(number);
  letter.body = EncodedBody{"text/plain", bytes_of("order")};
  letter.type = "orders.placed";
  letter.subscription = "billing";
  letter.reason = "card refused";
  letter.first_failure = letter.last_failure = kThen;
  return letter;
}

std::uint64_t number_of(const DeadLetter& letter) { return std::stoull(letter.envelope.key); }

/// What is known of letters on a disk that fails.
struct LettersStory {
  bool hit = false;
  bool reported = false;
  std::vector<std::string> faults;
};

/// Adds letters, takes two, settles one of them and discards another, while the nth operation of a kind fails; then
/// looks with a healthy disk. What was not acknowledged may have happened or not.
LettersStory letters_live_through(DiskFault fault, std::uint64_t nth) {
  enum class Known { there, gone, either };
  const TemporaryFolder folder;
  FaultyDisk disk;
  SqliteOptions options;
  options.file = folder / "letters.db";
  options.vfs = FaultyDisk::name();
  options.wal_pages = 8;
  LettersStory story;
  std::map<std::uint64_t, Known> known;
  // That making the file may fail has a test of its own.
  static_cast<void>(
      SqliteEventStore::open({.file = options.file, .durability = SqliteDurability::memory}).value());
  disk.fail(fault, nth, 1);
  if (auto store = SqliteEventStore::open(options); !store) {
    story.reported = true;
  } else if (auto opened = (*store)->dead_letters(); !opened) {
    story.reported = true;
  } else {
    DeadLetterStore& letters = **opened;
    for (std::uint64_t number = 1; number <= 3; ++number) {
      DeadLetter letter = letter_about(number);
      const auto added = letters.add({&letter, 1});
      known[number] = added ? Known::there : Known::either;
      if (!added) story.reported = true;
    }
    const auto taken = letters.take({.letters_max = 2, .now = kThen, .lease_for = 30s});
    if (!taken) story.reported = true;
    if (taken && !taken->letters.empty()) {
      const DeadLetterId id = taken->letters[0].id;
      const auto settled = letters.settle(taken->lease, {&id, 1});
      Known& of = known[number_of(taken->letters[0])];
      of = settled && *settled == 1 ? Known::gone : Known::either;
      if (!settled) story.reported = true;
    }
    DeadLetterFilter third;
    third.key = "3";
    const auto discarded = letters.discard(third, kThen);
    if (!discarded) story.reported = true;
    if (!discarded || *discarded == 1) known[3] = discarded ? Known::gone : Known::either;
  }
  story.hit = disk.has_failed();
  disk.heal();
  options.vfs.clear();
  const auto verdict = verify_sqlite_store(options.file);
  if (verdict) story.faults = verdict->problems;
  auto store = SqliteEventStore::open(options);
  if (!store) {
    story.faults.push_back(store.error().message());
    return story;
  }
  const auto letters = (*store)->dead_letters().value();
  std::map<std::uint64_t, int> found;
  const std::vector<DeadLetter> listed = letters->list({}, 100).value();
  for (const DeadLetter& letter : listed) ++found[number_of(letter)];
  for (const auto& [number, state] : known) {
    const int times_there = found[number];
    if (times_there > 1 || (state == Known::there && times_there == 0) ||
        (state == Known::gone && times_there != 0)) {
      story.faults.push_back("letter " + std::to_string(number) + " stands there " + std::to_string(times_there) +
                             " times");
    }
  }
  const DeadLetterCounts counts = letters->counts().value();
  if (counts.added != counts.stored + counts.settled + counts.discarded + counts.dropped) {
    story.faults.push_back("the store's account does not balance");
  }
  DeadLetter another = letter_about(4);
  if (!letters->add({&another, 1})) story.faults.push_back("the opened store takes nothing");
  return story;
}

class LettersOnFaultyDisk : public ::testing::TestWithParam<DiskFault> {};
INSTANTIATE_TEST_SUITE_P(Every, LettersOnFaultyDisk,
                         ::testing::Values(DiskFault::write_full, DiskFault::write_failed, DiskFault::sync_failed,
                                           DiskFault::open_failed, DiskFault::truncate_failed),
                         [](const auto& kind) { return to_string(kind.param); });

// Claim:  whichever operation of the disk fails, letters that were acknowledged are there once, those whose settling or
//         discarding was acknowledged are gone, and the store's account balances when it is opened anew.
// Method: fail the nth operation of each kind, for every n until a run meets none.
TEST_P(LettersOnFaultyDisk, LoseNothingAcknowledged) {
  for (std::uint64_t nth = 1;; ++nth) {
    const LettersStory story = letters_live_through(GetParam(), nth);
    EXPECT_TRUE(story.faults.empty()) << "operation " << nth << ": " << story.faults[0];
    if (!story.hit) {
      EXPECT_FALSE(story.reported);
      EXPECT_GT(nth, 1U) << "no such operation";
      break;
    }
  }
}

class BackupOnFaultyDisk : public ::testing::TestWithParam<DiskFault> {};
INSTANTIATE_TEST_SUITE_P(Every, BackupOnFaultyDisk,
                         ::testing::Values(DiskFault::write_full, DiskFault::write_failed, DiskFault::sync_failed,
                                           DiskFault::open_failed),
                         [](const auto& kind) { return to_string(kind.param); });

// Claim:  a backup that fails says so and leaves no file of its name; one that says it is done is whole. The store that
//         is copied is as it was, either way.
// Method: fail the nth operation of each kind, for every n until a run meets none; both files are verified.
TEST_P(BackupOnFaultyDisk, IsWholeOrNotThere) {
  for (std::uint64_t nth = 1;; ++nth) {
    const TemporaryFolder folder;
    const auto file = folder / "events.db";
    const auto copy = folder / "copy.db";
    std::vector<Acknowledged> acknowledged;
    {
      const auto store = SqliteEventStore::open({.file = file, .durability = SqliteDurability::memory}).value();
      for (std::uint32_t i = 1; i <= 20; ++i) {
        const AppendRequest request = pair_of_events(0, ExpectedVersion::any());
        ASSERT_TRUE(store->append(request));
        acknowledged.push_back({0, i, request.streams[0].events[0].envelope.id});
      }
    }
    FaultyDisk disk;
    FaultyDisk::serves_all(true);
    disk.fail(GetParam(), nth, 1);
    const Status done = backup_sqlite_store(file, copy);
    const bool hit = disk.has_failed();
    disk.heal();
    FaultyDisk::serves_all(false);
    EXPECT_EQ(std::filesystem::exists(copy), done.has_value()) << "operation " << nth;
    if (done) {
      EXPECT_EQ(faults_of(copy, 1, acknowledged), std::vector<std::string>{}) << "operation " << nth;
    }
    EXPECT_EQ(faults_of(file, 1, acknowledged), std::vector<std::string>{}) << "operation " << nth;
    if (!hit) {
      EXPECT_TRUE(done);
      EXPECT_GT(nth, 1U) << "no such operation";
      break;
    }
  }
}

}  // namespace
}  // namespace headrace::test
