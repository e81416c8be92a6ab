#include "headrace/sourcing/aggregate.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "headrace/sourcing/memory_event_store.hpp"
#include "headrace/sourcing/memory_snapshot_store.hpp"
#include "stored_events.hpp"

namespace headrace::test {
namespace {

struct Account {
  std::int64_t cents = 0;
  int deposits = 0;
};

/// Counts folds, so that tests see what a load costs.
AggregateKind<Account> accounts(int& folds) {
  AggregateKind<Account> kind;
  kind.fold = [&folds](Account& account, const StoredEvent& event) -> Status {
    ++folds;
    if (event.event.envelope.topic == "broken") return Error{"a broken event", event.stream};
    account.cents += std::stoll(text_of(event.event.body));
    ++account.deposits;
    return Nothing{};
  };
  return kind;
}

void add_snapshots(AggregateKind<Account>& kind, SnapshotStore& snapshots) {
  kind.snapshots = &snapshots;
  kind.snapshot_every = 10;
  kind.save = [](const Account& account) {
    return bytes_of(std::to_string(account.cents) + " " + std::to_string(account.deposits));
  };
  kind.restore = [](std::span<const std::byte> bytes) -> Result<Account> {
    const std::string text = text_of({bytes.begin(), bytes.end()});
    return Account{std::stoll(text), std::stoi(text.substr(text.find(' ')))};
  };
}

using Events = Result<std::vector<EncodedEvent>>;

auto deposit(std::int64_t cents) {
  return [cents](const Account&) -> Events { return std::vector{event_of("deposited", std::to_string(cents))}; };
}

// Claim:  a decision sees the state of all events before it, and its events are in the state that comes back.
TEST(Aggregate, DecidesOnTheFoldOfItsEvents) {
  MemoryEventStore store;
  int folds = 0;
  Aggregate<Account> aggregate(store, accounts(folds));
  ASSERT_TRUE(aggregate.execute("a", deposit(100)));
  const auto withdrawn = aggregate.execute("a", [](const Account& account) -> Events {
    EXPECT_EQ(account.cents, 100);
    return std::vector{event_of("withdrawn", "-30"), event_of("fee", "-1")};
  });
  ASSERT_TRUE(withdrawn);
  EXPECT_EQ(withdrawn->state.cents, 69);
  EXPECT_EQ(withdrawn->version, 3U);
  EXPECT_EQ(aggregate.load("a")->state.cents, 69);
  EXPECT_EQ(aggregate.load("b")->version, 0U);
}

// Claim:  a decision that is refused, or wants nothing, leaves the stream as it is.
TEST(Aggregate, RefusedDecisionsStoreNothing) {
  MemoryEventStore store;
  int folds = 0;
  Aggregate<Account> aggregate(store, accounts(folds));
  const auto refused = aggregate.execute("a", [](const Account&) -> Events {
    return Error{"too little money", "account a"};
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "account a: too little money");
  const auto nothing =
      aggregate.execute("a", [](const Account&) -> Events { return std::vector<EncodedEvent>{}; });
  ASSERT_TRUE(nothing);
  EXPECT_EQ(nothing->version, 0U);
  EXPECT_EQ(*store.last_position(), 0U);
}

// Claim:  when another writer was quicker the decision is made again on the new state, up to its bound.
// Method: the decision itself appends behind its own back, once, then every time.
TEST(Aggregate, DecidesAgainAfterAConflict) {
  MemoryEventStore store;
  int folds = 0;
  AggregateKind<Account> kind = accounts(folds);
  kind.attempts_max = 3;
  Aggregate<Account> aggregate(store, kind);
  int decisions = 0;
  const auto interfere = [&](int times) {
    return [&, times](const Account&) -> Events {
      if (decisions++ < times) {
        EXPECT_TRUE(store.append(AppendRequest::to("a", ExpectedVersion::any(), {event_of("deposited", "5")})));
      }
      return std::vector{event_of("deposited", "100")};
    };
  };
  const auto once = aggregate.execute("a", interfere(1));
  ASSERT_TRUE(once);
  EXPECT_EQ(once->attempts, 2U);
  EXPECT_EQ(once->state.cents, 105);
  decisions = 0;
  const auto lost = aggregate.execute("a", interfere(100));
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->outcome, AppendOutcome::version_conflict);
  EXPECT_EQ(decisions, 3);
  EXPECT_EQ(lost->state.cents, 120);
}

// Claim:  a load starts at the newest snapshot, and one of another state version is left aside.
// Method: 25 events, a snapshot each 10; count the folds of a load, then raise the version.
TEST(Aggregate, LoadsFromASnapshotOfItsVersion) {
  MemoryEventStore store;
  MemorySnapshotStore snapshots;
  int folds = 0;
  AggregateKind<Account> kind = accounts(folds);
  add_snapshots(kind, snapshots);
  {
    Aggregate<Account> aggregate(store, kind);
    for (int i = 0; i < 25; ++i) ASSERT_TRUE(aggregate.execute("a", deposit(1)));
  }
  Aggregate<Account> fresh(store, kind);
  folds = 0;
  EXPECT_EQ(fresh.load("a")->state.cents, 25);
  EXPECT_EQ(folds, 5);

  kind.state_version = 2;
  Aggregate<Account> changed(store, kind);
  folds = 0;
  EXPECT_EQ(changed.load("a")->state.deposits, 25);
  EXPECT_EQ(folds, 25);
}

// Claim:  events that truncation took are needed only by who has no snapshot; without one the load says so.
TEST(Aggregate, TruncatedEventsNeedASnapshot) {
  MemoryEventStore store;
  MemorySnapshotStore snapshots;
  int folds = 0;
  AggregateKind<Account> kind = accounts(folds);
  add_snapshots(kind, snapshots);
  Aggregate<Account> aggregate(store, kind);
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(aggregate.execute("a", deposit(1)));
  ASSERT_TRUE(store.truncate_stream("a", 10));
  EXPECT_EQ(aggregate.load("a")->state.cents, 12);
  ASSERT_TRUE(snapshots.remove("a"));
  const auto lost = aggregate.load("a");
  ASSERT_FALSE(lost);
  EXPECT_NE(lost.error().message().find("1 to 9 have been truncated"), std::string::npos)
      << lost.error().message();
}

// Claim:  a stream whose events have all been removed is not taken for an empty one: neither load() nor a decision
//         gets a state that they are missing from. A snapshot that holds them all serves; one that is older does not.
// Method: truncate five events of five, then all behind a snapshot of ten.
TEST(Aggregate, AStreamWithoutItsEventsIsNotEmpty) {
  MemoryEventStore store;
  MemorySnapshotStore snapshots;
  int folds = 0;
  AggregateKind<Account> kind = accounts(folds);
  add_snapshots(kind, snapshots);
  Aggregate<Account> aggregate(store, kind);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(aggregate.execute("a", deposit(1)));
  ASSERT_TRUE(store.truncate_stream("a", 6));
  const auto lost = aggregate.load("a");
  ASSERT_FALSE(lost);
  EXPECT_NE(lost.error().message().find("1 to 5 have been truncated"), std::string::npos)
      << lost.error().message();
  bool decided = false;
  EXPECT_FALSE(aggregate.execute("a", [&](const Account&) -> Events {
    decided = true;
    return std::vector<EncodedEvent>{};
  }));
  EXPECT_FALSE(decided);

  for (int i = 0; i < 10; ++i) ASSERT_TRUE(aggregate.execute("b", deposit(1)));
  ASSERT_TRUE(store.truncate_stream("b", 11));
  EXPECT_EQ(aggregate.load("b")->state.cents, 10);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(aggregate.execute("b", deposit(1)));
  ASSERT_TRUE(store.truncate_stream("b", 13));
  const auto old = aggregate.load("b");
  ASSERT_FALSE(old);
  EXPECT_NE(old.error().message().find("11 to 12 have been truncated"), std::string::npos)
      << old.error().message();
  EXPECT_EQ(aggregate.load("nobody's")->version, 0U);
}

// Claim:  a hot state is not folded again, sees others' events, and the least used makes room.
// Method: two places for three streams; count folds.
TEST(Aggregate, KeepsHotStates) {
  MemoryEventStore store;
  int folds = 0;
  AggregateKind<Account> kind = accounts(folds);
  kind.hot_max = 2;
  Aggregate<Account> aggregate(store, kind);
  for (const char* stream : {"a", "b", "a", "c"}) ASSERT_TRUE(aggregate.execute(stream, deposit(1)));
  ASSERT_TRUE(store.append(AppendRequest::to("a", ExpectedVersion::any(), {event_of("deposited", "5")})));
  folds = 0;
  EXPECT_EQ(aggregate.load("a")->state.cents, 7);
  EXPECT_EQ(folds, 1);
  EXPECT_EQ(aggregate.load("b")->state.cents, 1);
  EXPECT_EQ(folds, 2) << "b had to make room for c";
}

// Claim:  an event that cannot be folded is an error, not a state.
TEST(Aggregate, SaysWhatItCannotFold) {
  MemoryEventStore store;
  int folds = 0;
  AggregateKind<Account> kind = accounts(folds);
  kind.hot_max = 2;
  Aggregate<Account> aggregate(store, kind);
  ASSERT_TRUE(aggregate.execute("a", deposit(1)));
  ASSERT_TRUE(store.append(AppendRequest::to("a", ExpectedVersion::any(), {event_of("broken", "")})));
  EXPECT_FALSE(aggregate.load("a"));
  EXPECT_FALSE(aggregate.execute("a", deposit(1)));
  EXPECT_EQ(store.stream("a")->version, 2U);
}

// Claim:  concurrent decisions on one aggregate all take effect, once each.
// Method: four threads, 50 deposits each, with a hot state and snapshots.
TEST(Aggregate, ConcurrentDecisionsAllCount) {
  MemoryEventStore store;
  MemorySnapshotStore snapshots;
  AggregateKind<Account> kind;
  kind.fold = [](Account& account, const StoredEvent& event) -> Status {
    account.cents += std::stoll(text_of(event.event.body));
    return Nothing{};
  };
  add_snapshots(kind, snapshots);
  kind.hot_max = 4;
  kind.attempts_max = 100'000;
  Aggregate<Account> aggregate(store, kind);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 50; ++n) {
        const auto done = aggregate.execute("a", deposit(1));
        ASSERT_TRUE(done && done->outcome == AppendOutcome::appended);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(aggregate.load("a")->state.cents, 200);
  EXPECT_EQ(store.stream("a")->version, 200U);
}

}  // namespace
}  // namespace headrace::test
