#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "settle.hpp"
#include "timed.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

/// A bus whose handler fails while `down`, and notes what it handled.
struct Failing {
  explicit Failing(SubscribeOptions options = {.name = "billing"})
      : sub(timed.bus.subscribe<Tick>(options, [this](const Tick& e) -> Outcome {
          ++calls;
          if (down || e.value == poison) return dead_letter("down");
          seen.push_back(e.value);
          return done();
        })) {}
  void publish(std::uint64_t key, std::uint64_t value) {
    const EventId id = ids ? EventId::of(1, key, value + 1) : EventId{};
    if (ids) {
      ASSERT_TRUE(publisher.publish(Tick{key, value}, {.id = id}));
    } else {
      ASSERT_TRUE(publisher.publish(Tick{key, value}));
    }
  }
  std::size_t letters() { return store->list({}, 100)->size(); }

  std::shared_ptr<MemoryDeadLetterStore> store = std::make_shared<MemoryDeadLetterStore>();
  Timed timed{{.dead_letters = store}};
  bool down = true;
  bool ids = false;
  std::uint64_t poison = 99;
  std::uint64_t calls = 0;
  std::vector<std::uint64_t> seen;
  Subscription sub;
  Publisher publisher = timed.bus.publisher();
};

// Claim:  redriven letters go to their own subscription in the order in which they came, and are gone when
//         handled; one that fails again stands where it stood, and the run goes on; the ledger balances.
// Method: four letters, the second fails for good; by filter, then by id; with and without event ids.
TEST(Redrive, LettersGoBackToTheirSubscription) {
  for (const bool ids : {false, true}) {
    Failing f;
    f.ids = ids;
    std::uint64_t others = 0;
    const auto other = f.timed.bus.subscribe<Tick>({.name = "other"}, [&](const Tick&) { ++others; });
    for (std::uint64_t i = 1; i <= 4; ++i) f.publish(i, i);
    f.timed.run();
    EXPECT_EQ(f.letters(), 4U);
    const DeadLetterId second = (*f.store->list({}, 2))[1].id;
    f.down = false;
    f.poison = 2;
    const auto run = f.timed.bus.dead_letters().redrive({.subscription = "billing"});
    f.timed.run();
    EXPECT_EQ(f.seen, (std::vector<std::uint64_t>{1, 3, 4}));
    EXPECT_TRUE(run->report().finished);
    EXPECT_EQ(run->report().error, "");
    EXPECT_EQ(run->report().handled, 3U);
    EXPECT_EQ(run->report().returned, 1U);
    const auto left = f.store->list({}, 10);
    ASSERT_EQ(left->size(), 1U);
    EXPECT_EQ(left->front().id, second);
    EXPECT_EQ(left->front().redrives, 1U);
    EXPECT_EQ(left->front().attempts_made, ids ? 2U : 1U);
    f.poison = 99;
    const auto again = f.timed.bus.dead_letters().redrive(second);
    f.timed.run();
    EXPECT_EQ(again->report().handled, 1U);
    EXPECT_EQ(f.letters(), 0U);
    EXPECT_EQ(others, 4U);
    EXPECT_EQ(stop_drained(f.timed.bus), (Ledger{.published = 13, .handled = 8, .dead_lettered = 5}));
  }
}

// Claim:  a parked key's letters are redriven in order up to the first that fails; when all are gone the key
//         flows, and what came in between was among them.
// Method: release with the third of four failing, then again while a fifth is published; then a sixth runs at
//         once.
TEST(Redrive, ReleasedKeysFlowAgain) {
  Failing f({.name = "billing", .ordered = true, .park_key = true});
  for (std::uint64_t i = 1; i <= 4; ++i) f.publish(7, i);
  f.timed.run();
  EXPECT_EQ(f.calls, 1U);
  f.down = false;
  f.poison = 3;
  const auto stopped = f.timed.bus.dead_letters().release_key("billing", "7");
  f.timed.run();
  EXPECT_EQ(f.seen, (std::vector<std::uint64_t>{1, 2}));
  EXPECT_TRUE(stopped->report().finished);
  EXPECT_NE(stopped->report().error, "");
  f.publish(7, 5);
  f.timed.run();
  EXPECT_EQ(f.seen.size(), 2U);
  f.poison = 99;
  const auto run = f.timed.bus.dead_letters().release_key("billing", "7");
  f.timed.run();
  EXPECT_EQ(run->report().error, "");
  EXPECT_EQ(f.seen, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
  f.publish(7, 6);
  f.timed.run();
  EXPECT_EQ(f.seen.back(), 6U);
  EXPECT_EQ(f.letters(), 0U);
  EXPECT_EQ(stop_drained(f.timed.bus).in_flight, 0U);
}

// Claim:  what is discarded is gone, and a key that nothing parks any more flows.
// Method: a parked key with two letters.
TEST(Redrive, DiscardedKeysFlowAgain) {
  Failing f({.name = "billing", .park_key = true});
  f.publish(7, 1);
  f.publish(7, 2);
  f.timed.run();
  f.down = false;
  EXPECT_EQ(*f.timed.bus.dead_letters().discard({.key = "7"}), 2U);
  f.timed.run();
  f.publish(7, 3);
  f.timed.run();
  EXPECT_EQ(f.seen, (std::vector<std::uint64_t>{3}));
}

// Claim:  a parked key whose letters were taken away behind the bus's back flows again with its next event: discarded
//         by another process, or dropped by a store that was full.
// Method: the store is asked directly; a store with room for one letter gets that of another key.
TEST(Redrive, KeysFlowWhenTheirLettersAreGone) {
  for (const bool discarded : {true, false}) {
    Failing f({.name = "billing", .park_key = true});
    if (!discarded) {
      f.store = std::make_shared<MemoryDeadLetterStore>(
          MemoryDeadLetterOptions{.letters_max = 1, .when_full = WhenFull::drop_oldest});
      f.sub = f.timed.bus.subscribe<Tick>({.name = "small", .park_key = true, .dead_letters = f.store},
                                          [&](const Tick& e) -> Outcome {
                                            if (f.down) return dead_letter("down");
                                            return f.seen.push_back(e.value), done();
                                          });
    }
    f.publish(7, 1);
    f.timed.run();
    f.down = false;
    f.publish(7, 2);
    f.timed.run();
    EXPECT_TRUE(f.seen.empty());
    if (discarded) {
      EXPECT_EQ(*f.store->discard({.key = "7"}, EventTime{}), 2U);
    } else {
      f.down = true;
      f.publish(8, 3);
      f.timed.run();
      f.down = false;
    }
    f.publish(7, 4);
    f.timed.run();
    EXPECT_EQ(f.seen, (std::vector<std::uint64_t>{4})) << (discarded ? "discarded" : "dropped");
  }
}

// Claim:  a redrive keeps to its rate, and ends when it is cancelled.
// Method: ten letters, ten a second by a clock that is set by hand.
TEST(Redrive, KeepsToItsRate) {
  Failing f;
  for (std::uint64_t i = 0; i < 10; ++i) f.publish(i, i);
  f.timed.run();
  f.down = false;
  const auto run = f.timed.bus.dead_letters().redrive(DeadLetterFilter{}, {.letters_per_second = 10});
  f.timed.run();
  EXPECT_EQ(f.seen.size(), 1U);
  f.timed.advance(99ms);
  EXPECT_EQ(f.seen.size(), 1U);
  f.timed.advance(1ms);
  EXPECT_EQ(f.seen.size(), 2U);
  f.timed.advance(100ms);
  EXPECT_EQ(f.seen.size(), 3U);
  run->cancel();
  f.timed.advance(100ms);
  EXPECT_EQ(f.seen.size(), 3U);
  EXPECT_TRUE(run->report().finished);
}

// Claim:  a rate as small as can be lets one letter go and then waits; one below zero, or that is no number, is an error.
// Method: two letters.
TEST(Redrive, RatesOfAnySize) {
  Failing f;
  for (std::uint64_t i = 0; i < 2; ++i) f.publish(i, i);
  f.timed.run();
  f.down = false;
  for (const double wrong : {-1.0, std::numeric_limits<double>::quiet_NaN()}) {
    const auto run = f.timed.bus.dead_letters().redrive(DeadLetterFilter{}, {.letters_per_second = wrong});
    f.timed.run();
    EXPECT_NE(run->report().error, "");
    EXPECT_EQ(f.seen.size(), 0U);
  }
  const auto run = f.timed.bus.dead_letters().redrive(
      DeadLetterFilter{}, {.letters_per_second = std::numeric_limits<double>::denorm_min()});
  f.timed.advance(24h);
  EXPECT_EQ(f.seen.size(), 1U);
  EXPECT_FALSE(run->report().finished);
}

// Claim:  a lease for ever is one that never runs out, and a time before all times has come.
// Method: letters taken by such a lease, whose handler then asks for the first moment there is.
TEST(Redrive, TimesAtTheEndsOfTime) {
  const auto store = std::make_shared<MemoryDeadLetterStore>();
  Timed timed{{.dead_letters = store}};
  std::uint32_t attempts = 0;
  const auto sub =
      timed.bus.subscribe<Tick>({.retry = fixed(1h, 5)}, [&](const Tick&, Context& context) -> Outcome {
        attempts += 1;
        if (attempts == 1) return dead_letter("no");
        return context.attempt() < 3 ? retry_at(EventTime::min()) : done();
      });
  ASSERT_TRUE(timed.bus.publish_at(EventTime::min(), Tick{1, 1}));
  timed.run();
  ASSERT_EQ(attempts, 1U);
  const auto run =
      timed.bus.dead_letters().redrive(DeadLetterFilter{}, {.lease_for = std::chrono::nanoseconds::max()});
  timed.advance(1s);
  EXPECT_EQ(attempts, 4U);
  EXPECT_EQ(run->report().handled, 1U);
}

// Claim:  a letter whose event was done in the meantime is settled without a second run.
// Method: the event fails, comes once more under its id and is handled; then its letter is redriven.
TEST(Redrive, IsIdempotentByEventId) {
  Failing f({.name = "billing", .deduplicated = Deduplicated{}});
  f.ids = true;
  f.publish(1, 1);
  f.timed.run();
  f.down = false;
  f.publish(1, 1);
  f.timed.run();
  const auto run = f.timed.bus.dead_letters().redrive(DeadLetterFilter{});
  f.timed.run();
  EXPECT_EQ(f.seen, (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(run->report().handled, 1U);
  EXPECT_EQ(f.letters(), 0U);
}

// Claim:  letters that nobody handles stay, and a redrive that meets the end of the bus says so; letters that were
//         leased then can be taken.
// Method: a subscription that has ended; a redrive that waits for its rate at stop(); one begun after it.
TEST(Redrive, EndsWithItsSubscriptionAndItsBus) {
  Failing f;
  for (std::uint64_t i = 0; i < 3; ++i) f.publish(i, i);
  f.timed.run();
  f.down = false;
  DeadLetters letters = f.timed.bus.dead_letters();
  const auto slow = letters.redrive(DeadLetterFilter{}, {.letters_per_second = 1});
  f.timed.run();
  f.sub.end();
  const auto nobody = letters.redrive(DeadLetterFilter{});
  f.timed.run();
  EXPECT_EQ(nobody->report().skipped, 2U);
  EXPECT_TRUE(f.timed.bus.stop(0ms).drained);
  EXPECT_TRUE(slow->report().finished);
  EXPECT_NE(slow->report().error, "");
  EXPECT_NE(letters.redrive(DeadLetterFilter{})->report().error, "");
  EXPECT_EQ(f.store->take({.letters_max = 10})->letters.size(), 2U);
}

// Claim:  a redriven letter is tried by the schedule, and its key is free whichever way that ends.
// Method: an ordered subscription whose letter fails twice more and is handled, then one that is given up again.
TEST(Redrive, LettersAreTriedBySchedule) {
  for (const std::uint64_t failures : {2U, 9U}) {
    const auto store = std::make_shared<MemoryDeadLetterStore>();
    Timed timed{{.dead_letters = store}};
    std::uint64_t left = 3;
    std::vector<std::uint64_t> seen;
    const auto sub =
        timed.bus.subscribe<Tick>({.ordered = true, .retry = fixed(5ms, 3)}, [&](const Tick& e) -> Outcome {
          if (e.value == 1 && left != 0) return --left, retry("not yet");
          seen.push_back(e.value);
          return done();
        });
    Publisher publisher = timed.bus.publisher();
    ASSERT_TRUE(publisher.publish(Tick{7, 1}));
    for (int i = 0; i < 3; ++i) timed.advance(5ms);
    left = failures;
    const auto run = timed.bus.dead_letters().redrive(DeadLetterFilter{});
    timed.run();
    ASSERT_TRUE(publisher.publish(Tick{7, 2}));
    timed.run();
    EXPECT_TRUE(seen.empty());
    for (int i = 0; i < 3; ++i) timed.advance(5ms);
    EXPECT_TRUE(run->report().finished);
    EXPECT_EQ(run->report().handled, failures == 2 ? 1U : 0U);
    EXPECT_EQ(seen, failures == 2 ? (std::vector<std::uint64_t>{1, 2}) : (std::vector<std::uint64_t>{2}));
    EXPECT_EQ(store->list({}, 10)->size(), failures == 2 ? 0U : 1U);
    EXPECT_EQ(stop_drained(timed.bus).in_flight, 0U);
  }
}

// Claim:  a key whose letters the store has from an earlier run is parked from the start, until they are gone.
// Method: a second bus on the first one's store.
TEST(Redrive, ParkedKeysStayParkedOverARestart) {
  Failing f({.name = "billing", .park_key = true});
  f.publish(7, 1);
  f.publish(9, 9);
  f.timed.run();
  stop_drained(f.timed.bus);
  Timed second{{.dead_letters = f.store}};
  std::vector<std::uint64_t> seen;
  const auto sub = second.bus.subscribe<Tick>({.name = "billing", .park_key = true},
                                              [&](const Tick& e) { seen.push_back(e.value); });
  Publisher publisher = second.bus.publisher();
  ASSERT_TRUE(publisher.publish(Tick{8, 2}));
  ASSERT_TRUE(publisher.publish(Tick{7, 3}));
  second.run();
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{2}));
  const auto run = second.bus.dead_letters().release_key("billing", "7");
  second.run();
  EXPECT_EQ(run->report().error, "");
  ASSERT_TRUE(publisher.publish(Tick{7, 4}));
  second.run();
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{2, 1, 3, 4}));
  // A key that is released before its first event comes flows as well.
  static_cast<void>(second.bus.dead_letters().release_key("billing", "9"));
  second.run();
  ASSERT_TRUE(publisher.publish(Tick{9, 10}));
  second.run();
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{2, 1, 3, 4, 9, 10}));
}

}  // namespace
}  // namespace headrace
