#include "headrace/sqlite/retention.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "gate.hpp"
#include "headrace/sourcing/aggregate.hpp"
#include "headrace/sourcing/projection.hpp"
#include "headrace/sqlite/event_store.hpp"
#include "headrace/sqlite/maintenance.hpp"
#include "stored_events.hpp"
#include "temporary_folder.hpp"

namespace headrace::test {
namespace {

using namespace std::chrono_literals;

/// A store with events whose bodies are their numbers, in two streams by turns.
class Retention : public testing::Test {
 protected:
  Retention() {
    for (int number = 1; number <= 6; ++number) {
      positions_.push_back(append(number % 2 == 0 ? "even" : "odd", std::to_string(number)));
    }
  }
  EventPosition append(const std::string& stream, const std::string& body) {
    return store_
        ->append(
            AppendRequest::to(stream, ExpectedVersion::any(), {event_of("test.kept", body, {"tag-" + stream})}))
        ->last;
  }
  /// As if so much time had passed.
  SqliteRetained retain_after(std::chrono::nanoseconds time, const SqliteRetention& retention) {
    return retain(*store_, retention,
                  std::chrono::system_clock::now() + std::chrono::duration_cast<std::chrono::seconds>(time))
        .value();
  }
  Bodies left() { return bodies(read_all(*store_)); }
  void expect_whole() {
    const auto verdict = verify_sqlite_store(file_);
    ASSERT_TRUE(verdict);
    EXPECT_EQ(verdict->problems, std::vector<std::string>{});
  }

  TemporaryFolder folder_;
  std::filesystem::path file_ = folder_ / "events.db";
  std::unique_ptr<SqliteEventStore> store_ =
      SqliteEventStore::open({.file = file_, .durability = SqliteDurability::memory}).value();
  std::vector<EventPosition> positions_;
};

// Claim:  events that are too old go, in small transactions; versions and positions go on behind them; they are
//         counted, in the file too.
// Method: an hour is kept: at once, and two hours later, two events a transaction.
TEST_F(Retention, OldEventsGo) {
  const SqliteRetention an_hour{.age_max = 1h, .events_each = 2};
  EXPECT_EQ(retain_after(0h, an_hour).events, 0U);
  EXPECT_EQ(left().size(), 6U);
  const SqliteRetained retained = retain_after(2h, an_hour);
  EXPECT_EQ(retained.events, 6U);
  EXPECT_EQ(retained.unread, 0U);
  EXPECT_EQ(retained.held_by, "");
  EXPECT_TRUE(left().empty());
  EXPECT_EQ(*store_->last_position(), positions_.back());
  EXPECT_EQ(store_->stream("odd")->version, 3U);
  EXPECT_GT(append("odd", "7"), positions_.back());
  EXPECT_EQ(store_->stream("odd")->version, 4U);
  EXPECT_TRUE(store_->transact([](SqliteTransaction& transaction) -> Status {
    const auto counted = transaction.query("SELECT value FROM store_numbers WHERE name = 'events_retired'");
    EXPECT_EQ(counted->at(0).at(0), SqlValue{std::int64_t{6}});
    return Nothing{};
  }));
  expect_whole();
}

// Claim:  an aggregate whose events are all too old is not taken for one that has none: it cannot be loaded, nor be
//         decided on, and the error says so.
TEST_F(Retention, AggregateThatLostAllItsEventsSaysSo) {
  AggregateKind<int> kind;
  kind.fold = [](int& events, const StoredEvent&) -> Status {
    ++events;
    return Nothing{};
  };
  Aggregate<int> aggregate(*store_, kind);
  EXPECT_EQ(aggregate.load("odd")->state, 3);
  EXPECT_EQ(retain_after(2h, {.age_max = 1h}).events, 6U);
  const auto lost = aggregate.load("odd");
  ASSERT_FALSE(lost);
  EXPECT_NE(lost.error().message().find("1 to 3 have been truncated"), std::string::npos)
      << lost.error().message();
  const auto decided = aggregate.execute(
      "odd", [](int) -> Result<std::vector<EncodedEvent>> { return std::vector<EncodedEvent>{}; });
  EXPECT_FALSE(decided);
  EXPECT_EQ(aggregate.load("nobody's")->version, 0U);
}

// Claim:  what somebody has not read stays, and the answer names who; unless that one is ignored, or the policy says
//         otherwise, which is counted.
// Method: two checkpoints in the middle.
TEST_F(Retention, UnreadEventsStay) {
  ASSERT_TRUE(store_->checkpoints().save("slow", positions_[1]));
  ASSERT_TRUE(store_->checkpoints().save("quick", positions_[3]));
  SqliteRetention retention{.age_max = 1h};
  SqliteRetained retained = retain_after(2h, retention);
  EXPECT_EQ(retained.events, 2U);
  EXPECT_EQ(retained.held_by, "slow");
  EXPECT_EQ(retained.held_at, positions_[1]);
  EXPECT_EQ(left(), (Bodies{"3", "4", "5", "6"}));
  retention.ignored_checkpoints = {"slow"};
  EXPECT_EQ(retain_after(2h, retention).held_by, "quick");
  EXPECT_EQ(left(), (Bodies{"5", "6"}));
  retention.unread = SqliteRetention::Unread::remove;
  retained = retain_after(2h, retention);
  EXPECT_EQ(retained.unread, 2U);
  EXPECT_TRUE(left().empty());
  expect_whole();
}

// Claim:  a projection that has only begun, and applied nothing, keeps its events.
// Method: one that fails at the first event.
TEST_F(Retention, ProjectionThatHasOnlyBegunKeepsItsEvents) {
  const auto fails = [](const StoredEvent&) -> Status { return Error{"no", {}, Error::Retry::no}; };
  Projection projection(*store_, {.name = "begun"}, checkpoint_after(store_->checkpoints(), "begun", fails));
  yield_until([&] { return projection.status().state == ProjectionStatus::State::failed; });
  const SqliteRetained retained = retain_after(2h, {.age_max = 1h});
  EXPECT_EQ(retained.events, 0U);
  EXPECT_EQ(retained.held_by, "begun");
}

// Claim:  a file that has grown too large loses its oldest events until it is small enough, and no more than a
//         transaction's worth too many.
// Method: 400 events of 4 KiB, half of that allowed.
TEST_F(Retention, LargeFileLosesItsOldestEvents) {
  for (int number = 0; number < 400; ++number) append("large", std::string(4096, 'x'));
  const std::uint64_t before = retain_after(0h, {.bytes_max = 1U << 30}).bytes;
  EXPECT_GT(before, 1'600'000U);
  const SqliteRetained retained = retain_after(0h, {.bytes_max = before / 2, .events_each = 10});
  EXPECT_LE(retained.bytes, before / 2);
  EXPECT_GT(retained.bytes, before / 2 - 60'000);
  EXPECT_EQ(left().size(), 406 - retained.events);
  EXPECT_EQ(store_->stream("large")->version, 400U);
  expect_whole();
}

// Claim:  only streams that are meant lose events.
// Method: one of two; the other's events and tags are all there.
TEST_F(Retention, OnlyStreamsThatAreMeant) {
  EXPECT_EQ(retain_after(2h, {.age_max = 1h, .streams = "e*"}).events, 3U);
  EXPECT_EQ(left(), (Bodies{"1", "3", "5"}));
  EXPECT_EQ(bodies(read_all(*store_, {.query = EventQuery::tagged({"tag-odd"})})), (Bodies{"1", "3", "5"}));
  EXPECT_EQ(store_->stream("even")->first, 4U);
  EXPECT_EQ(store_->stream("odd")->first, 1U);
  expect_whole();
}

// Claim:  a retainer makes passes by itself and adds up what they did.
// Method: one whose events may be no older than a nanosecond; an event that comes after its first pass.
TEST_F(Retention, RetainerPassesByItself) {
  SqliteRetainer retainer(*store_, {.age_max = 1ns}, 1ms);
  yield_until([&] { return retainer.account().all.events == 6; });
  append("odd", "7");
  yield_until([&] { return retainer.account().all.events == 7; });
  EXPECT_GE(retainer.account().passes, 2U);
  EXPECT_FALSE(retainer.account().error);
}

}  // namespace
}  // namespace headrace::test
