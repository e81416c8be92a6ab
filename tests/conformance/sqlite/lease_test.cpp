#include <gtest/gtest.h>

#include <memory>

#include "headrace/sourcing/memory_lease_store.hpp"
#include "headrace/sqlite/event_store.hpp"
#include "temporary_folder.hpp"

namespace headrace::test {
namespace {

using namespace std::chrono_literals;

EventTime at_ms(std::int64_t ms) { return EventTime{std::chrono::milliseconds{ms}}; }

/// What any two programs see of leases that they share.
void expect_leases(LeaseStore& here, LeaseStore& there) {
  EXPECT_TRUE(here.hold("a", 1, at_ms(1000), 100ms).value());
  EXPECT_TRUE(there.hold("b", 2, at_ms(1000), 100ms).value()) << "another one";
  EXPECT_FALSE(there.hold("a", 2, at_ms(1099), 100ms).value());
  EXPECT_TRUE(here.hold("a", 1, at_ms(1099), 100ms).value()) << "held longer";
  EXPECT_FALSE(there.hold("a", 2, at_ms(1198), 100ms).value());
  EXPECT_TRUE(there.hold("a", 2, at_ms(1199), 100ms).value()) << "it ran out";
  EXPECT_FALSE(here.hold("a", 1, at_ms(1200), 100ms).value());
  EXPECT_TRUE(here.give_up("a", 1));
  EXPECT_FALSE(here.hold("a", 1, at_ms(1200), 100ms).value()) << "it gave up what it did not hold";
  EXPECT_TRUE(there.give_up("a", 2));
  EXPECT_TRUE(here.hold("a", 1, at_ms(1200), std::chrono::nanoseconds::max()).value());
  EXPECT_FALSE(there.hold("a", 2, at_ms(9'000'000), 100ms).value()) << "for ever";
  EXPECT_TRUE(here.give_up("a", 1));
  EXPECT_TRUE(here.give_up("nobody's", 1));
}

// Claim:  leases in memory and in a file keep the same rules: one holder of a name until its time is over, or it gives
//         up.
// Method: two owners; in the file through two stores that have it open.
TEST(SqliteLeases, OneHolderOfANameAtATime) {
  MemoryLeaseStore memory;
  expect_leases(memory, memory);
  const TemporaryFolder folder;
  const auto open = [&] {
    return SqliteEventStore::open({.file = folder / "events.db", .durability = SqliteDurability::memory}).value();
  };
  const auto here = open();
  const auto there = open();
  expect_leases(here->leases(), there->leases());
}

}  // namespace
}  // namespace headrace::test
