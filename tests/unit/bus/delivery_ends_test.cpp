#include <gtest/gtest.h>

#include <vector>

#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "settle.hpp"
#include "timed.hpp"

// What the model of tests/sim found: claims that outlived their event, or ended with another's, and events that
// were overtaken.

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

// Claim:  a copy that expires does not end the claim of the event that is being tried: later copies still find it.
// Method: an event that expires is the first of all; then one waits for its second try, a copy comes too late to
//         live, and another one in time.
TEST(DeliveryEnds, ExpiredCopyLeavesTheClaimAlone) {
  Timed timed;
  std::uint64_t calls = 0;
  const auto sub = timed.bus.subscribe<Tick>(
      {.retry = fixed(100ms, 3), .deduplicated = Deduplicated{.when_in_progress = WhenInProgress::drop}},
      [&](const Tick&, Context& context) -> Outcome {
        ++calls;
        return context.attempt() == 1 ? retry() : done();
      });
  Publisher publisher = timed.bus.publisher();
  const EventId id = EventId::of(1, 2, 3);
  ASSERT_TRUE(publisher.publish(Tick{}, {.id = id, .expires_after = 1ms}));
  timed.advance(2ms);
  ASSERT_TRUE(publisher.publish(Tick{}, {.id = id}));
  timed.run();
  ASSERT_TRUE(publisher.publish(Tick{}, {.id = id, .expires_after = 1ms}));
  timed.advance(2ms);
  ASSERT_TRUE(publisher.publish(Tick{}, {.id = id}));
  timed.run();
  EXPECT_EQ(calls, 1U);
  timed.advance(100ms);
  EXPECT_EQ(calls, 2U);
  EXPECT_EQ(timed.bus.snapshot().subscriptions.at(0).expired, 2U);
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 4, .handled = 1, .dropped = 1, .expired = 2}));
}

// Claim:  older letters that a full store gives up to make room are counted by the bus, for the subscription whose
//         letters they made room for.
// Method: room for two; five events are given up, and another when the bus stops.
TEST(DeliveryEnds, LettersThatMadeRoomAreCounted) {
  Timed timed({.dead_letters = std::make_shared<MemoryDeadLetterStore>(
                   MemoryDeadLetterOptions{.letters_max = 2, .when_full = WhenFull::drop_oldest})});
  const auto sub = timed.bus.subscribe<Tick>(
      {.name = "fails", .retry = fixed(1s, 2)},
      [](const Tick& tick) -> Outcome { return tick.value == 5 ? retry("later") : dead_letter("no"); });
  Publisher publisher = timed.bus.publisher();
  for (std::uint64_t value = 0; value < 6; ++value) ASSERT_TRUE(publisher.publish(Tick{value, value}));
  timed.run();
  EXPECT_EQ(timed.bus.snapshot().subscriptions.at(0).letters_dropped, 3U);
  const Ledger ledger = timed.bus.stop(0ms).ledger;
  EXPECT_EQ(ledger, (Ledger{.published = 6, .dead_lettered = 6, .letters_dropped = 4})) << ledger;
}

// Claim:  an event that is given up because too many keys are held gives its claim back: a copy may run.
// Method: one key may be held, and is; the event of another key fails, and is sent again.
TEST(DeliveryEnds, GivenUpForRoomMayRunAgain) {
  Timed timed;
  bool down = true;
  std::vector<std::uint64_t> seen;
  const auto sub = timed.bus.subscribe<Tick>(
      {.ordered = true, .retry = fixed(10ms, 100), .waiting = {.keys_max = 1}, .deduplicated = Deduplicated{}},
      [&](const Tick& e) -> Outcome {
        if (down) return retry("down");
        seen.push_back(e.value);
        return done();
      });
  Publisher publisher = timed.bus.publisher();
  ASSERT_TRUE(publisher.publish(Tick{1, 1}, {.id = EventId::of(1, 1, 8)}));
  ASSERT_TRUE(publisher.publish(Tick{2, 2}, {.id = EventId::of(1, 2, 16)}));
  timed.run();
  down = false;
  ASSERT_TRUE(publisher.publish(Tick{2, 2}, {.id = EventId::of(1, 2, 16)}));
  timed.run();
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{2}));
  timed.advance(10ms);
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 3, .handled = 2, .failed = 1}));
}

// Claim:  an event that expires while an earlier one of its key is tried again does not park the key: the earlier
//         one gets its next try, and later ones are handled.
// Method: the first fails once; the second comes too late to live; then a third.
TEST(DeliveryEnds, GivenUpOutOfItsTurnParksNothing) {
  const auto store = std::make_shared<MemoryDeadLetterStore>();
  Timed timed{{.dead_letters = store}};
  std::vector<std::uint64_t> seen;
  const auto sub = timed.bus.subscribe<Tick>(
      {.ordered = true, .retry = fixed(10ms, 2), .when_expired = WhenExpired::dead_letter, .park_key = true},
      [&](const Tick& e, Context& context) -> Outcome {
        if (e.value == 1 && context.attempt() == 1) return retry();
        seen.push_back(e.value);
        return done();
      });
  Publisher publisher = timed.bus.publisher();
  ASSERT_TRUE(publisher.publish(Tick{1, 1}));
  timed.run();
  ASSERT_TRUE(publisher.publish(Tick{1, 2}, {.expires_after = 1ms}));
  timed.advance(2ms);
  timed.advance(10ms);
  ASSERT_TRUE(publisher.publish(Tick{1, 3}));
  timed.run();
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(store->parked_keys()->size(), 0U);
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 3, .handled = 2, .dead_lettered = 1}));
}

// Claim:  an event that goes well at its first try pays tokens back into the retry budget, whatever else its
//         subscription asks for.
// Method: one token; the first event's retry takes it for nothing, the second goes well, the third needs a retry.
TEST(DeliveryEnds, SuccessRefundsTheRetryBudget) {
  Timed timed;
  SubscribeOptions how{.retry = fixed(1ms, 3)};
  how.retry_budget = RetryBudgetOptions{.tokens_max = 1, .tokens_per_second = 0, .success_refunds = 1};
  const auto sub = timed.bus.subscribe<Tick>(how, [&](const Tick& e, Context& context) -> Outcome {
    if (e.value == 1 && context.attempt() == 2) return dead_letter("no");
    return e.value != 2 && context.attempt() == 1 ? retry() : done();
  });
  for (std::uint64_t value = 1; value <= 3; ++value) {
    ASSERT_TRUE(timed.bus.publish(Tick{value, value}));
    timed.run();
    timed.advance(2ms);
  }
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 3, .handled = 2, .failed = 1}));
}

}  // namespace
}  // namespace headrace
