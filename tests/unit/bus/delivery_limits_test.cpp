#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
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
        if (down) return dead_letter("down");
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

}  // namespace
}  // namespace headrace
