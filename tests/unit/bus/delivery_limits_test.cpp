#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <tuple>
#include <vector>

#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/delivery/memory_dedup_store.hpp"
#include "settle.hpp"
#include "timed.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

// Claim:  order holds when more events of a key come in one turn than may wait behind it, and what is beyond the
//         room is not read from the lanes.
// Method: room for four; sixty events of one key, whose first is tried three times while more are published.
TEST(DeliveryLimits, SmallRoomKeepsOrder) {
  Timed timed;
  std::vector<std::uint64_t> seen;
  const auto sub =
      timed.bus.subscribe<Tick>({.ordered = true, .retry = fixed(1500us, 5), .waiting = {.events_max = 4}},
                                [&](const Tick& e, Context& context) -> Outcome {
                                  if (e.value % 50 == 0 && context.attempt() < 3) return retry();
                                  seen.push_back(e.value);
                                  return done();
                                });
  Publisher publisher = timed.bus.publisher();
  std::uint64_t next = 0;
  for (int burst = 0; burst < 3; ++burst) {
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(publisher.publish(Tick{1, next++}));
    timed.advance(1ms);
  }
  for (int i = 0; i < 20; ++i) timed.advance(1ms);
  ASSERT_EQ(seen.size(), 60U);
  for (std::uint64_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], i);
  EXPECT_EQ(stop_drained(timed.bus).handled, 60U);
}

// Claim:  retries beyond what the wheel takes wait for room in it; none is lost.
// Method: eight timers; three subscriptions fail at each of fifty events, twice.
TEST(DeliveryLimits, MoreRetriesThanTimers) {
  Timed timed({.timers_max = 8});
  std::vector<Subscription> subs;
  for (int i = 0; i < 3; ++i) {
    subs.push_back(timed.bus.subscribe<Tick>(
        {.retry = fixed(2ms, 3)},
        [](const Tick&, Context& context) -> Outcome { return context.attempt() < 3 ? retry() : done(); }));
  }
  Publisher publisher = timed.bus.publisher();
  for (std::uint64_t i = 0; i < 50; ++i) ASSERT_TRUE(publisher.publish(Tick{i, i}));
  for (int i = 0; i < 200; ++i) timed.advance(1ms);
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 150, .handled = 150}));
}

// Claim:  letters that found the store full reach it in their order, those that came in between behind them.
// Method: room for one letter; a parked key's second letter waits, room is made, a third comes before its next
//         try.
TEST(DeliveryLimits, LettersReachAFullStoreInOrder) {
  const auto store = std::make_shared<MemoryDeadLetterStore>(MemoryDeadLetterOptions{.letters_max = 1});
  Timed timed({.dead_letters = store});
  const auto sub = timed.bus.subscribe<Tick>({.park_key = true}, [](const Tick&) { return dead_letter("bad"); });
  Publisher publisher = timed.bus.publisher();
  std::vector<std::uint64_t> order;
  const auto take_one = [&] {
    const auto listed = store->list({}, 10);
    ASSERT_EQ(listed->size(), 1U);
    order.push_back(listed->front().event.as<Tick>()->value);
    ASSERT_EQ(*store->discard({}, EventTime{}), 1U);
  };
  for (std::uint64_t i = 0; i < 2; ++i) ASSERT_TRUE(publisher.publish(Tick{1, i}));
  timed.run();
  take_one();
  ASSERT_TRUE(publisher.publish(Tick{1, 2}));
  timed.run();
  EXPECT_EQ(timed.bus.snapshot().ledger, (Ledger{.published = 3, .dead_lettered = 1, .in_flight = 2}));
  for (int i = 0; i < 2; ++i) {
    timed.advance(100ms);
    take_one();
  }
  EXPECT_EQ(order, (std::vector<std::uint64_t>{0, 1, 2}));
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 3, .dead_lettered = 3}));
}

// Claim:  a breaker's line moves on when its probe came to no answer.
// Method: the first event in the line is a copy of one that was handled.
TEST(DeliveryLimits, ProbeThatIsACopyDoesNotEndTheLine) {
  Timed timed;
  bool down = false;
  std::vector<std::uint64_t> seen;
  const auto sub = timed.bus.subscribe<Tick>(
      {.breaker = CircuitBreakerOptions{.failures_in_a_row = 1, .open_for = 10ms}, .deduplicated = Deduplicated{}},
      [&](const Tick& e) -> Outcome {
        if (down) return retry("down");
        seen.push_back(e.value);
        return done();
      });
  Publisher publisher = timed.bus.publisher();
  ASSERT_TRUE(publisher.publish(Tick{1, 1}, {.id = EventId::of(1, 1, 1)}));
  timed.run();
  down = true;
  ASSERT_TRUE(publisher.publish(Tick{1, 2}));
  timed.run();
  ASSERT_TRUE(publisher.publish(Tick{1, 1}, {.id = EventId::of(1, 1, 1)}));
  ASSERT_TRUE(publisher.publish(Tick{1, 3}));
  timed.run();
  down = false;
  for (int i = 0; i < 4; ++i) timed.advance(10ms);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 4, .handled = 2, .dropped = 1, .failed = 1}));
}

// Claim:  a time that the handler asks for is held to the policy's limit of time, and to nothing else of its schedule.
// Method: asked for 11 ms where 10 are left, and for now where the schedule's own delay would be too long.
TEST(DeliveryLimits, AskedTimesAreHeldToTheTimeLimit) {
  for (const auto& [policy, asked, runs_again] :
       {std::tuple{immediate(5).within(10ms), 11ms, false}, std::tuple{immediate(5).within(10ms), 10ms, true},
        std::tuple{fixed(1h, 5).within(10ms), 0ms, true}}) {
    for (const bool by_clock : {false, true}) {
      Timed timed;
      std::uint32_t calls = 0;
      const auto sub = timed.bus.subscribe<Tick>({.retry = policy}, [&, asked = asked](const Tick&) -> Outcome {
        if (++calls > 1) return done();
        if (by_clock) return retry_at(EventTime(std::chrono::nanoseconds(timed.now_ns)) + asked);
        return retry_after(asked);
      });
      ASSERT_TRUE(timed.bus.publish(Tick{1, 1}));
      timed.run();
      timed.advance(1ms);
      timed.advance(11ms);
      EXPECT_EQ(calls, runs_again ? 2U : 1U);
      EXPECT_EQ(timed.bus.snapshot().ledger.failed, runs_again ? 0U : 1U);
    }
  }
}

// Claim:  without a policy a handler that says when gets the event again then, ten times in all; one that does not
//         say when has one try; a policy's number of attempts is the last word for both.
// Method: handlers that never go well, with and without a policy.
TEST(DeliveryLimits, AskedTimesAreHonouredWithoutAPolicy) {
  const auto tries = [](const RetryPolicy& policy, const Outcome& answer) {
    Timed timed;
    std::uint32_t calls = 0;
    const auto sub = timed.bus.subscribe<Tick>({.retry = policy}, [&](const Tick&) { return ++calls, answer; });
    EXPECT_TRUE(timed.bus.publish(Tick{1, 1}));
    timed.run();
    for (int i = 0; i < 20; ++i) timed.advance(5s);
    EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 1, .failed = 1}));
    return calls;
  };
  EXPECT_EQ(tries({}, retry_after(5s)), RetryPolicy::kAskedAttemptsMax);
  EXPECT_EQ(tries({}, retry_at(EventTime{})), RetryPolicy::kAskedAttemptsMax);
  EXPECT_EQ(tries({}, retry()), 1U);
  EXPECT_EQ(tries(RetryPolicy{}.within(12s), retry_after(5s)), 3U);
  EXPECT_EQ(tries(immediate(1), retry_after(5s)), 1U);
  EXPECT_EQ(tries(immediate(3), retry_after(5s)), 3U);
}

// Claim:  while an event waits for its next try its claim does not run out: a copy does not run beside it.
// Method: the next try is 70 s off, a claim lasts 60; a copy comes in between, and one when the event runs again. With
//         a table and with a store.
TEST(DeliveryLimits, ClaimsOutliveTheWaitForTheNextTry) {
  for (const bool shared : {false, true}) {
    Timed timed;
    std::vector<std::uint64_t> seen;
    Deduplicated copies{.when_in_progress = WhenInProgress::drop};
    if (shared) copies.store = std::make_shared<MemoryDedupStore>();
    const auto sub = timed.bus.subscribe<Tick>({.retry = fixed(70s, 3), .deduplicated = copies},
                                               [&](const Tick& e, Context& context) -> Outcome {
                                                 seen.push_back(e.value);
                                                 return context.attempt() < 3 ? retry() : done();
                                               });
    const auto publish = [&](std::uint64_t value) {
      ASSERT_TRUE(timed.bus.publish(Tick{1, value}, {.id = EventId::of(1, 1, 1)}));
      timed.run();
    };
    publish(1);
    timed.advance(69s);
    publish(2);
    timed.advance(1s);
    timed.advance(69s);
    publish(3);
    timed.advance(1s);
    EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 1, 1}));
    EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 3, .handled = 1, .dropped = 2}));
  }
}

}  // namespace
}  // namespace headrace
