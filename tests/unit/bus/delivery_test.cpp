#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "counted.hpp"
#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "settle.hpp"
#include "timed.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct Keyed {
  std::uint64_t key;
  Counted value;
};
HEADRACE_EVENT(Keyed, "test.keyed", key(key), key)

std::shared_ptr<MemoryDeadLetterStore> letters() { return std::make_shared<MemoryDeadLetterStore>(); }

// Claim:  a handler that asks for it gets the event again by its subscription's schedule, with the number of the
//         try, and other events go on meanwhile; a kept event is in flight until it is settled.
// Method: 10, 20 and 40 ms by a clock that is set by hand.
TEST(Delivery, RetriesBySchedule) {
  Timed timed;
  std::vector<std::uint32_t> tries;
  std::vector<std::uint64_t> others;
  const auto sub = timed.bus.subscribe<Tick>({.retry = exponential(10ms, 2.0, 4)},
                                             [&](const Tick& e, Context& context) -> Outcome {
                                               if (e.key == 2) return others.push_back(e.value), done();
                                               tries.push_back(context.attempt());
                                               return context.attempt() < 4 ? retry("not yet") : done();
                                             });
  Publisher publisher = timed.bus.publisher();
  ASSERT_TRUE(publisher.publish(Tick{1, 7}));
  ASSERT_TRUE(publisher.publish(Tick{2, 8}));
  timed.run();
  EXPECT_EQ(tries, (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(others, (std::vector<std::uint64_t>{8}));
  EXPECT_EQ(timed.bus.snapshot().ledger, (Ledger{.published = 2, .handled = 1, .in_flight = 1}));
  timed.advance(9ms);
  EXPECT_EQ(tries.size(), 1U);
  timed.advance(1ms);
  EXPECT_EQ(tries.size(), 2U);
  timed.advance(20ms);
  EXPECT_EQ(tries.size(), 3U);
  timed.advance(39ms);
  EXPECT_EQ(tries.size(), 3U);
  timed.advance(1ms);
  EXPECT_EQ(tries, (std::vector<std::uint32_t>{1, 2, 3, 4}));
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 2, .handled = 2}));
}

// Claim:  what fails for good is a dead letter with its history; without a store it is counted as failed and
//         reported.
// Method: three tries that throw, with and without a store.
TEST(Delivery, GivesUpIntoTheDeadLetters) {
  const auto store = letters();
  Timed timed({.dead_letters = store});
  const auto sub = timed.bus.subscribe<Tick>({.name = "billing", .retry = fixed(5ms, 3)}, [](const Tick&) {
    throw std::runtime_error("no funds");
  });
  Publisher publisher = timed.bus.publisher();
  ASSERT_TRUE(publisher.publish(Tick{4, 40}, {.id = EventId::of(1, 2, 3)}));
  for (int i = 0; i < 3; ++i) timed.advance(5ms);
  EXPECT_EQ(timed.bus.snapshot().ledger, (Ledger{.published = 1, .dead_lettered = 1}));
  const auto listed = store->list({}, 10);
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), 1U);
  const DeadLetter& letter = listed->front();
  EXPECT_EQ(letter.subscription, "billing");
  EXPECT_EQ(letter.reason, "no funds");
  EXPECT_EQ(letter.failure, FailureClass::threw);
  EXPECT_EQ(letter.attempts_made, 3U);
  ASSERT_EQ(letter.attempts.size(), 3U);
  EXPECT_EQ(letter.attempts[2].at - letter.attempts[0].at, 10ms);
  EXPECT_EQ(letter.envelope.id, EventId::of(1, 2, 3));
  EXPECT_EQ(letter.envelope.correlation, EventId::of(1, 2, 3));
  EXPECT_EQ(letter.envelope.key, "4");
  ASSERT_NE(letter.event.as<WithMeta<Tick>>(), nullptr);
  EXPECT_EQ(letter.event.as<WithMeta<Tick>>()->event.value, 40U);

  std::vector<std::string> errors;
  Timed bare({}, {.on_handler_error = [&](const HandlerError& error) { errors.emplace_back(error.what); }});
  const auto other = bare.bus.subscribe<Tick>({.retry = fixed(5ms, 2)},
                                              [](const Tick&) -> Outcome { return retry("still not"); });
  Publisher to_bare = bare.bus.publisher();
  ASSERT_TRUE(to_bare.publish(Tick{}));
  bare.advance(0ms);
  bare.advance(5ms);
  EXPECT_EQ(stop_drained(bare.bus), (Ledger{.published = 1, .failed = 1}));
  EXPECT_EQ(errors, (std::vector<std::string>{"still not"}));
}

// Claim:  with `ordered` later events of a key wait behind the one that is retried, other keys flow, and the key's
//         events come in order afterwards; move-only events too.
// Method: of three keys one fails twice; then the order of each key is looked at.
TEST(Delivery, OrderedKeysWaitBehindARetry) {
  {
    Timed timed;
    std::map<std::uint64_t, std::vector<std::uint64_t>> seen;
    const auto sub = timed.bus.subscribe<Keyed>({.ordered = true, .retry = fixed(10ms, 5)},
                                                [&](const Keyed& e, Context& context) -> Outcome {
                                                  const std::uint64_t value = *e.value.value;
                                                  if (e.key == 1 && value == 3 && context.attempt() < 3) return retry();
                                                  seen[e.key].push_back(value);
                                                  return done();
                                                });
    Publisher publisher = timed.bus.publisher();
    for (std::uint64_t i = 0; i < 30; ++i) ASSERT_TRUE(publisher.publish(Keyed{i % 3, Counted(i / 3)}));
    timed.run();
    EXPECT_EQ(seen[0].size(), 10U);
    EXPECT_EQ(seen[1], (std::vector<std::uint64_t>{0, 1, 2}));
    EXPECT_EQ(seen[2].size(), 10U);
    EXPECT_EQ(timed.bus.snapshot().ledger.in_flight, 7U);
    timed.advance(10ms);
    timed.advance(10ms);
    for (const auto& [key, values] : seen) {
      ASSERT_EQ(values.size(), 10U) << key;
      for (std::uint64_t i = 0; i < 10; ++i) EXPECT_EQ(values[i], i) << key;
    }
    EXPECT_EQ(stop_drained(timed.bus).handled, 30U);
  }
  EXPECT_EQ(Counted::alive.load(), 0);
}

// Claim:  a batch handler answers for its span: what went well is handled, the one that did not is retried alone,
//         and those behind it come again, so that a poison event does not fail its neighbours.
// Method: one poison event among ten, named by index, then by failing the whole span.
TEST(Delivery, BatchesAreSettledAroundAPoisonEvent) {
  for (const bool names_it : {true, false}) {
    const auto store = letters();
    Timed timed({.dead_letters = store});
    std::vector<std::uint64_t> seen;
    const auto sub = timed.bus.subscribe<Tick>({}, [&](std::span<const Tick> run) -> BatchOutcome {
      for (std::uint32_t i = 0; i < run.size(); ++i) {
        if (run[i].value != 6) continue;
        if (!names_it) return dead_letter("poison");
        for (std::uint32_t j = 0; j < i; ++j) seen.push_back(run[j].value);
        return BatchOutcome::up_to(i, dead_letter("poison"));
      }
      for (const Tick& e : run) seen.push_back(e.value);
      return done();
    });
    Publisher publisher = timed.bus.publisher();
    std::vector<Tick> run;
    for (std::uint64_t i = 0; i < 10; ++i) run.push_back({0, i});
    ASSERT_EQ(publisher.publish(std::span<const Tick>(run)).accepted(), 10U);
    timed.run();
    EXPECT_EQ(seen, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 5, 7, 8, 9}));
    EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 10, .handled = 9, .dead_lettered = 1}));
  }
}

// Claim:  copies of an event within the window are dropped and counted; the id decides.
// Method: the same id three times, another id, and one that failed first and may run again.
TEST(Delivery, CopiesRunOnce) {
  Timed timed;
  std::vector<std::uint64_t> seen;
  const auto sub = timed.bus.subscribe<Tick>({.retry = fixed(1ms, 2), .deduplicated = Deduplicated{}},
                                             [&](const Tick& e, Context& context) -> Outcome {
                                               if (e.value == 9 && context.attempt() == 1) return retry();
                                               seen.push_back(e.value);
                                               return done();
                                             });
  Publisher publisher = timed.bus.publisher();
  const auto publish = [&](std::uint64_t id, std::uint64_t value) {
    ASSERT_TRUE(publisher.publish(Tick{0, value}, {.id = EventId::of(1, id, id)}));
  };
  publish(1, 5);
  publish(1, 5);
  publish(2, 6);
  publish(3, 9);
  publish(3, 9);
  timed.run();
  publish(1, 5);
  timed.advance(1ms);
  timed.advance(10ms);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{5, 6, 9}));
  const Snapshot snapshot = timed.bus.snapshot();
  EXPECT_EQ(snapshot.subscriptions.front().copies, 3U);
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 6, .handled = 3, .dropped = 3}));
}

// Claim:  an event whose time to live is over is not handled: dropped, or a dead letter, as the policy says.
// Method: 5 ms to live, looked at after 4 and after 6.
TEST(Delivery, ExpiredEventsAreNotHandled) {
  const auto store = letters();
  Timed timed;
  std::uint64_t seen = 0;
  const auto drops =
      timed.bus.subscribe<Tick>({.when_expired = WhenExpired::drop}, [&](const Tick&) { ++seen; });
  const auto keeps = timed.bus.subscribe<Tick>({.when_expired = WhenExpired::dead_letter, .dead_letters = store},
                                               [&](const Tick&) { ++seen; });
  Publisher publisher = timed.bus.publisher();
  ASSERT_TRUE(publisher.publish(Tick{}, {.expires_after = 5ms}));
  timed.advance(4ms);
  EXPECT_EQ(seen, 2U);
  ASSERT_TRUE(publisher.publish(Tick{}, {.expires_after = 5ms}));
  timed.advance(6ms);
  EXPECT_EQ(seen, 2U);
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 4, .handled = 2, .expired = 1, .dead_lettered = 1}));
  EXPECT_EQ(store->list({}, 10)->front().failure, FailureClass::expired);
}

// Claim:  with park_key later events of a key go behind the one that was given up, in order; other keys flow.
// Method: key 1 fails for good at its second event.
TEST(Delivery, ParkedKeysGoBehindTheirDeadLetter) {
  const auto store = letters();
  Timed timed({.dead_letters = store});
  std::vector<std::uint64_t> seen;
  const auto sub = timed.bus.subscribe<Tick>({.ordered = true, .park_key = true}, [&](const Tick& e) -> Outcome {
    if (e.value == 3) return dead_letter("bad");
    seen.push_back(e.value);
    return done();
  });
  Publisher publisher = timed.bus.publisher();
  for (std::uint64_t i = 0; i < 8; ++i) ASSERT_TRUE(publisher.publish(Tick{i % 2, i}));
  timed.run();
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{0, 1, 2, 4, 6}));
  const auto listed = store->list({}, 10);
  ASSERT_EQ(listed->size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ((*listed)[i].event.as<Tick>()->value, 3 + 2 * i);
  EXPECT_EQ((*listed)[1].failure, FailureClass::behind);
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 8, .handled = 5, .dead_lettered = 3}));
}

// Claim:  an open breaker lets nothing run; what comes waits, one probe decides, and then everything runs in
//         order.
// Method: three failures open it for 100 ms; the service comes back at the probe.
TEST(Delivery, OpenBreakerMakesEventsWait) {
  std::vector<CircuitBreaker::State> states;
  Timed timed({.on_breaker = [&](const BreakerChange& change) { states.push_back(change.state); }});
  bool down = true;
  std::vector<std::uint64_t> seen;
  std::uint64_t calls = 0;
  const auto sub = timed.bus.subscribe<Tick>(
      {.breaker = CircuitBreakerOptions{.failures_in_a_row = 3, .open_for = 100ms}}, [&](const Tick& e) -> Outcome {
        ++calls;
        if (down) return retry("down");
        seen.push_back(e.value);
        return done();
      });
  Publisher publisher = timed.bus.publisher();
  for (std::uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(publisher.publish(Tick{i, i}));
  timed.run();
  EXPECT_EQ(calls, 3U);
  timed.advance(99ms);
  EXPECT_EQ(calls, 3U);
  timed.advance(1ms);
  EXPECT_EQ(calls, 4U);
  down = false;
  timed.advance(100ms);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{4, 5, 6, 7, 8, 9}));
  using State = CircuitBreaker::State;
  EXPECT_EQ(states, (std::vector<State>{State::open, State::half_open, State::open, State::half_open, State::closed}));
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 10, .handled = 6, .failed = 4}));
}

// Claim:  what waits when the bus stops, or when its subscription ends, is accounted for.
// Method: a retry an hour off, then stop(); the same with the subscription ended first.
TEST(Delivery, WhatWaitsIsAccountedForAtTheEnd) {
  const auto store = letters();
  {
    Timed timed({.dead_letters = store});
    const auto sub =
        timed.bus.subscribe<Tick>({.ordered = true, .retry = fixed(1h)}, [](const Tick&) { return retry(); });
    Publisher publisher = timed.bus.publisher();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(publisher.publish(Tick{1, 1}));
    timed.run();
    const StopReport report = timed.bus.stop(0ms);
    EXPECT_FALSE(report.drained);
    EXPECT_EQ(report.ledger, (Ledger{.published = 3, .dead_lettered = 3}));
    EXPECT_EQ(store->list({}, 10)->back().failure, FailureClass::abandoned);
  }
  Timed timed;
  {
    const auto sub =
        timed.bus.subscribe<Tick>({.ordered = true, .retry = fixed(1h)}, [](const Tick&) { return retry(); });
    Publisher publisher = timed.bus.publisher();
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(publisher.publish(Tick{1, 1}));
    timed.run();
    EXPECT_EQ(timed.bus.snapshot().ledger.in_flight, 3U);
  }
  timed.run();
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 3, .dropped = 3}));
}

// Claim:  ids and correlation go from the event that is handled to what its handler publishes, and bare events
//         carry none.
// Method: a chain of two handlers behind one event with meta, and behind one without.
TEST(Delivery, CorrelationFollowsTheChain) {
  Timed timed;
  std::vector<EventMeta> metas;
  std::uint64_t bare = 0;
  const auto relay = timed.bus.subscribe<Tick>([&](const Tick& e, Context& context) {
    if (context.meta() != nullptr) metas.push_back(*context.meta());
    EXPECT_TRUE(context.publish(Tock{e.value}));
  });
  const auto end = timed.bus.subscribe<Tock>([&](const Tock&, Context& context) {
    if (context.meta() == nullptr) {
      ++bare;
    } else {
      metas.push_back(*context.meta());
    }
  });
  Publisher publisher = timed.bus.publisher();
  ASSERT_TRUE(publisher.publish(Tick{1, 1}, PublishOptions{}));
  ASSERT_TRUE(publisher.publish(Tick{1, 2}));
  timed.run();
  EXPECT_EQ(bare, 1U);
  ASSERT_EQ(metas.size(), 2U);
  EXPECT_EQ(metas[0].correlation, metas[0].id);
  EXPECT_FALSE(metas[0].causation);
  EXPECT_EQ(metas[1].correlation, metas[0].id);
  EXPECT_EQ(metas[1].causation, metas[0].id);
  EXPECT_NE(metas[1].id, metas[0].id);
}

}  // namespace
}  // namespace headrace
