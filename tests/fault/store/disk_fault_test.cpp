#include <gtest/gtest.h>

#include <string>

#include "acknowledged.hpp"
#include "faulty_disk.hpp"
#include "temporary_folder.hpp"

namespace headrace::test {
namespace {

constexpr std::uint32_t kAppends = 6;

struct Story {
  bool hit = false;       ///< the fault came
  bool reported = false;  ///< somebody was told
  std::uint64_t flushes_after_failure = 0;
  std::vector<std::string> faults;  ///< of the file afterwards
};

/// Opens a store, appends, truncates and closes it, while the nth operation of a kind fails; then looks at the
/// file with a healthy disk, and appends once more.
Story live_through(DiskFault fault, std::uint64_t nth, std::uint64_t times) {
  const TemporaryFolder folder;
  FaultyDisk disk;
  SqliteOptions options;
  options.file = folder / "events.db";
  options.vfs = FaultyDisk::name();
  options.wal_pages = 8;  // moves the log now and then
  std::vector<Acknowledged> acknowledged;
  Story story;
  disk.fail(fault, nth, times);
  if (auto store = SqliteEventStore::open(options); !store) {
    story.reported = true;
  } else {
    StreamVersion version = 0;
    for (std::uint32_t i = 0; i < kAppends; ++i) {
      const auto request = pair_of_events(0, ExpectedVersion::exact(version));
      const auto receipt = (*store)->append(request);
      if (receipt && receipt->is_stored()) {
        acknowledged.push_back(
            {0, static_cast<std::uint32_t>(++version), request.streams[0].events[0].envelope.id});
      } else {
        story.reported = true;
      }
    }
    if (!(*store)->truncate_stream("elsewhere", 1)) story.reported = true;
  }
  story.hit = disk.has_failed();
  // While a new file is made SQLite flushes what it undoes; nobody has been told of anything then.
  if (!acknowledged.empty()) story.flushes_after_failure = disk.flushes_after_failure();
  disk.heal();
  options.vfs.clear();
  {
    auto store = SqliteEventStore::open(options);
    if (!store) {
      story.faults = {store.error().message()};
      return story;
    }
    const auto request = pair_of_events(0, ExpectedVersion::any());
    const auto receipt = (*store)->append(request);
    if (!receipt || !receipt->is_stored()) {
      story.faults = {"the opened store takes nothing"};
      return story;
    }
    acknowledged.push_back(
        {0, static_cast<std::uint32_t>(receipt->streams[0].last), request.streams[0].events[0].envelope.id});
  }
  story.faults = faults_of(options.file, 1, acknowledged);
  return story;
}

class StoreOnFaultyDisk : public ::testing::TestWithParam<DiskFault> {};

// Claim:  whichever operation of the disk fails, once or from then on, what was acknowledged is there when the
//         store is opened anew, nothing is half done, the file is whole, and a flush that failed is never tried
//         again.
// Method: fail the nth operation of each kind, for every n until a run meets none.
TEST_P(StoreOnFaultyDisk, LosesNothingAcknowledged) {
  for (const std::uint64_t times : {std::uint64_t{1}, std::uint64_t{1} << 40}) {
    std::uint64_t hits = 0;
    for (std::uint64_t nth = 1;; ++nth) {
      const Story story = live_through(GetParam(), nth, times);
      EXPECT_TRUE(story.faults.empty()) << "operation " << nth << ": " << story.faults[0];
      EXPECT_EQ(story.flushes_after_failure, 0U) << "operation " << nth;
      if (!story.hit) {
        EXPECT_FALSE(story.reported);
        break;
      }
      ++hits;
    }
    EXPECT_GT(hits, 0U);
  }
}

INSTANTIATE_TEST_SUITE_P(Every, StoreOnFaultyDisk,
                         ::testing::Values(DiskFault::write_full, DiskFault::write_failed, DiskFault::sync_failed,
                                           DiskFault::open_failed, DiskFault::truncate_failed),
                         [](const auto& kind) { return to_string(kind.param); });

// Claim:  a full disk undoes the append, says that trying again may help, and the store goes on when there is
//         room.
TEST(StoreOnFullDisk, GoesOnWhenThereIsRoom) {
  const TemporaryFolder folder;
  FaultyDisk disk;
  SqliteOptions options;
  options.file = folder / "events.db";
  options.vfs = FaultyDisk::name();
  auto store = SqliteEventStore::open(options);
  ASSERT_TRUE(store);
  const auto any = ExpectedVersion::any();
  ASSERT_TRUE((*store)->append(AppendRequest::to("s", any, {event_of("t", "1")})));
  disk.fail(DiskFault::write_full, 1, 1);
  const auto refused = (*store)->append(AppendRequest::to("s", any, {event_of("t", "2")}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().retry, Error::Retry::maybe);
  EXPECT_NE(refused.error().message().find("disk is full"), std::string::npos) << refused.error().message();
  const auto taken = (*store)->append(AppendRequest::to("s", any, {event_of("t", "3")}));
  ASSERT_TRUE(taken) << taken.error().message();
  EXPECT_EQ(taken->streams[0].last, 2U);
  EXPECT_EQ(bodies(read_all(**store)), (Bodies{"1", "3"}));
}

// Claim:  after a failed flush the store stops: every later append is refused with that error, reads go on.
TEST(StoreAfterFailedFlush, TakesNothingMore) {
  const TemporaryFolder folder;
  FaultyDisk disk;
  SqliteOptions options;
  options.file = folder / "events.db";
  options.vfs = FaultyDisk::name();
  auto store = SqliteEventStore::open(options);
  ASSERT_TRUE(store);
  const auto any = ExpectedVersion::any();
  ASSERT_TRUE((*store)->append(AppendRequest::to("s", any, {event_of("t", "1")})));
  disk.fail(DiskFault::sync_failed, 1, 1);
  const auto failed = (*store)->append(AppendRequest::to("s", any, {event_of("t", "2")}));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().retry, Error::Retry::no);
  const auto later = (*store)->append(AppendRequest::to("s", any, {event_of("t", "3")}));
  ASSERT_FALSE(later);
  EXPECT_NE(later.error().message().find("stopped"), std::string::npos) << later.error().message();
  EXPECT_EQ(bodies(read_all(**store)), (Bodies{"1"}));
}

}  // namespace
}  // namespace headrace::test
