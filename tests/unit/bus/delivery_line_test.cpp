#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "timed.hpp"

// Whose turn it is: where a key, the line of an open breaker, a span and a redrive meet.

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

// Claim:  while events wait for an open breaker, a later event of a key that is being retried waits behind them, too:
//         the key's earlier events are among them.
// Method: the probe is the first event of a key, and fails; its second one waits in the line; the third one comes.
TEST(DeliveryLine, LaterEventsOfAHeldKeyStandBehindTheLine) {
  Timed timed;
  std::vector<std::uint64_t> handled;
  std::uint32_t fails = 2;
  SubscribeOptions how{.ordered = true, .retry = fixed(30ms, 5)};
  how.breaker = CircuitBreakerOptions{.failures_in_a_row = 1, .open_for = 10ms};
  const auto sub = timed.bus.subscribe<Tick>(how, [&](const Tick& e) -> Outcome {
    if (fails > 0) return --fails, retry();
    handled.push_back(e.value);
    return done();
  });
  Publisher publisher = timed.bus.publisher();
  ASSERT_TRUE(publisher.publish(Tick{1, 0}));  // opens the breaker
  timed.run();
  ASSERT_TRUE(publisher.publish(Tick{2, 1}));
  ASSERT_TRUE(publisher.publish(Tick{2, 2}));
  timed.run();
  timed.advance(10ms);  // the probe fails and holds its key
  ASSERT_EQ(fails, 0U);
  ASSERT_TRUE(publisher.publish(Tick{2, 3}));
  timed.run();
  for (int i = 0; i < 20; ++i) timed.advance(10ms);
  std::erase(handled, 0U);
  EXPECT_EQ(handled, (std::vector<std::uint64_t>{1, 2, 3}));
}

// Claim:  an event of a span that was let in, and then has to wait since one before it failed, is no copy of itself
//         when it comes again.
// Method: a span of two; the first one fails and opens the breaker.
TEST(DeliveryLine, AnEventOfASpanKeepsItsClaimWhileItWaits) {
  Timed timed;
  std::vector<std::uint64_t> handled;
  bool fails = true;
  SubscribeOptions how{.retry = fixed(1ms, 3)};
  how.breaker = CircuitBreakerOptions{.failures_in_a_row = 1, .open_for = 5ms};
  how.deduplicated = Deduplicated{.by_key = true, .when_in_progress = WhenInProgress::drop};
  const auto sub = timed.bus.subscribe<Tick>(how, [&](std::span<const Tick> run) -> BatchOutcome {
    if (std::exchange(fails, false)) return BatchOutcome::up_to(0, retry());
    for (const Tick& e : run) handled.push_back(e.value);
    return done();
  });
  Publisher publisher = timed.bus.publisher();
  const std::vector<Tick> run{{1, 1}, {2, 2}};
  ASSERT_TRUE(publisher.publish(std::span<const Tick>(run)));
  timed.run();
  for (int i = 0; i < 20; ++i) timed.advance(1ms);
  EXPECT_EQ(handled.size(), 2U);
  EXPECT_EQ(timed.bus.snapshot().ledger, (Ledger{.published = 2, .handled = 2}));
}

// Claim:  a copy within a span waits for what becomes of the one before it, and runs in its place if that failed.
// Method: a span of an event and its copy, which are told apart by their values.
TEST(DeliveryLine, ACopyInTheSameSpanIsJudgedAfterTheFirstOne) {
  for (const bool fails : {false, true}) {
    Timed timed;
    std::vector<std::uint64_t> handled;
    const auto sub = timed.bus.subscribe<Tick>(
        {.deduplicated = Deduplicated{.by_key = true, .when_in_progress = WhenInProgress::drop}},
        [&](std::span<const Tick> run) -> BatchOutcome {
          for (const Tick& e : run) handled.push_back(e.value);
          return fails && run[0].value == 1 ? BatchOutcome::up_to(0, dead_letter("no")) : BatchOutcome(done());
        });
    Publisher publisher = timed.bus.publisher();
    const std::vector<Tick> run{{1, 1}, {1, 2}};
    ASSERT_TRUE(publisher.publish(std::span<const Tick>(run)));
    timed.run();
    EXPECT_EQ(handled, (fails ? std::vector<std::uint64_t>{1, 2} : std::vector<std::uint64_t>{1}));
  }
}

// Claim:  a dead letter that is redriven while its key is held waits its turn: what stands behind the key stays in
//         order.
// Method: an event is given up; the next one of its key is retried, a third one waits; the letter comes back and
//         fails once.
TEST(DeliveryLine, ARedrivenLetterWaitsForAHeldKey) {
  Timed timed({.dead_letters = std::make_shared<MemoryDeadLetterStore>()});
  std::vector<std::uint64_t> handled;
  std::vector<std::uint32_t> fails{1, 1, 1, 0};
  std::uint32_t lives = 0;
  const auto sub = timed.bus.subscribe<Tick>({.name = "ticks", .ordered = true, .retry = fixed(20ms, 5)},
                                             [&](const Tick& e) -> Outcome {
                                               if (e.value == 0 && lives++ == 0) return dead_letter("no");
                                               if (fails[e.value] > 0) return --fails[e.value], retry();
                                               handled.push_back(e.value);
                                               return done();
                                             });
  Publisher publisher = timed.bus.publisher();
  for (std::uint64_t value = 0; value < 4; ++value) {
    ASSERT_TRUE(publisher.publish(Tick{7, value}));
    timed.run();
  }
  timed.advance(1ms);
  const auto run = timed.bus.dead_letters().redrive(DeadLetterFilter{});
  for (int i = 0; i < 20; ++i) timed.advance(10ms);
  std::erase(handled, 0U);
  EXPECT_EQ(handled, (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(run->report().handled, 1U);
}

// Claim:  verdicts on events do not open a breaker, and do not keep those that failed before from opening it; a probe
//         that ends in one lets the next event of the line probe, at once.
// Method: two verdicts, then two failures with one between them; at the probe's time a verdict, then one that goes well.
TEST(DeliveryLine, VerdictsSayNothingToTheBreaker) {
  using State = CircuitBreaker::State;
  std::vector<State> states;
  Timed timed({.on_breaker = [&](const BreakerChange& change) { states.push_back(change.state); }});
  std::vector<std::uint64_t> calls;
  SubscribeOptions how;
  how.breaker = CircuitBreakerOptions{.failures_in_a_row = 2, .open_for = 10ms};
  const auto sub = timed.bus.subscribe<Tick>(how, [&](const Tick& e) -> Outcome {
    calls.push_back(e.value);
    if (e.key == 1) return dead_letter("no such customer");
    if (e.key == 2) return park("to be looked at");
    return e.key == 3 ? retry("no answer") : done();
  });
  const auto publish = [&](std::uint64_t key, std::uint64_t value) {
    ASSERT_TRUE(timed.bus.publish(Tick{key, value}));
  };
  for (std::uint64_t i = 0; i < 4; ++i) publish(1 + i % 2, i);
  timed.run();
  EXPECT_TRUE(states.empty());
  publish(3, 4);
  publish(1, 5);
  publish(3, 6);
  timed.run();
  EXPECT_EQ(states, (std::vector{State::open}));
  publish(1, 7);
  publish(2, 8);
  publish(4, 9);
  timed.run();
  EXPECT_EQ(calls.size(), 7U);
  timed.advance(10ms);
  EXPECT_EQ(calls, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(states, (std::vector{State::open, State::half_open, State::closed}));
}

}  // namespace
}  // namespace headrace
