#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "events.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "timed.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct Handled {
  std::vector<std::pair<std::uint64_t, std::string>> calls;  ///< value, and the attempt
  Ledger ledger;
};

/// Events of a few keys, some of which fail once or for good, some carry meta, with a span now and then.
Handled handled(std::uint64_t seed, OnOverrun on_overrun, bool ordered) {
  std::mt19937_64 random(seed);
  Handled result;
  auto letters = std::make_shared<MemoryDeadLetterStore>();
  Timed timed({.dead_letters = letters, .timers_max = 1024, .scheduled_max = 16, .seed = 1},
              {.lane_bytes = std::size_t{1} << 14, .publishers_max = 8});
  SubscribeOptions options{
      .ordered = ordered, .retry = fixed(2ms, 3), .handler_limit = 1s, .on_overrun = on_overrun};
  options.deduplicated = Deduplicated{.window = {.events_max = 1024}};
  const auto sub = timed.bus.subscribe<Tick>(options, where([](const Tick& tick) { return tick.value % 11 != 0; }),
                                             [&](const Tick& tick, Context& context) -> Outcome {
                                               result.calls.emplace_back(tick.key * 1000 + tick.value,
                                                                         std::to_string(context.attempt()));
                                               if (tick.value % 7 == 0) return retry("always");
                                               if (tick.value % 5 == 0 && context.attempt() == 1) throw 1;
                                               return done();
                                             });
  Publisher publisher = timed.bus.publisher();
  for (std::uint64_t i = 0; i < 60; ++i) {
    const Tick tick{.key = random() % 4, .value = i};
    if (random() % 3 == 0) {
      const std::vector<Tick> two{tick, {.key = tick.key, .value = i + 500}};
      EXPECT_TRUE(publisher.publish(std::span{two}));
    } else if (random() % 2 == 0) {
      const EventId id = EventId::make();
      EXPECT_TRUE(publisher.publish(tick, {.id = id}));
      for (std::uint64_t copies = random() % 2; copies > 0; --copies)
        EXPECT_TRUE(publisher.publish(tick, {.id = id}));
    } else {
      EXPECT_TRUE(publisher.publish(tick));
    }
    if (random() % 4 == 0) timed.advance(1ms);
  }
  timed.advance(100ms);
  result.ledger = timed.bus.stop(1s).ledger;
  return result;
}

// Claim:  what is kept first and called apart comes to the same as what is called in place: per key the same calls in
//         the same order, through retries, copies, predicates, exceptions and dead letters.
// Method: ten random workloads, each both ways, compared key by key (a sharper order than is promised for
//         those without `ordered`).
TEST(MoveShardsPolled, ComesToTheSameAsCallsInPlace) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    for (const bool ordered : {false, true}) {
      const Handled there = handled(seed, OnOverrun::move_shards, ordered);
      const Handled here = handled(seed, OnOverrun::report, ordered);
      EXPECT_EQ(there.ledger, here.ledger) << seed;
      for (std::uint64_t key = 0; key < 4; ++key) {
        const auto of_key = [key](const Handled& all) {
          std::vector<std::pair<std::uint64_t, std::string>> calls;
          for (const auto& call : all.calls) {
            if (call.first / 1000 == key) calls.push_back(call);
          }
          return calls;
        };
        ASSERT_EQ(of_key(there), of_key(here)) << seed << " ordered " << ordered;
      }
    }
  }
}

// Claim:  events that cannot be copied, and such as are shared, are handled apart as well; dead letters are redriven so.
// Method: an event with a string, and a large one, given up and redriven.
TEST(MoveShardsPolled, TakesEventsOfEveryKind) {
  auto letters = std::make_shared<MemoryDeadLetterStore>();
  Timed timed({.dead_letters = letters});
  const SubscribeOptions options{.name = "all", .handler_limit = 1s, .on_overrun = OnOverrun::move_shards};
  bool fails = true;
  std::vector<std::string> seen;
  const auto named = timed.bus.subscribe<Named>(options, [&](const Named& event) -> Outcome {
    seen.push_back(event.name);
    return fails ? dead_letter("no") : done();
  });
  const auto large = timed.bus.subscribe<Large>(
      options, [&](const Large& event) { seen.push_back(std::to_string(event.value)); });
  ASSERT_TRUE(timed.bus.publish(Named{"a name that is too long to lie in the string itself"}));
  ASSERT_TRUE(timed.bus.publish(Large{.value = 7}));
  timed.run();
  fails = false;
  const auto run = timed.bus.dead_letters().redrive({.subscription = "all"}, {});
  timed.advance(10ms);
  EXPECT_TRUE(run->report().finished);
  EXPECT_EQ(run->report().handled, 1U);
  EXPECT_EQ(seen, (std::vector<std::string>{"a name that is too long to lie in the string itself", "7",
                                            "a name that is too long to lie in the string itself"}));
  const Ledger ledger = timed.bus.stop(1s).ledger;
  EXPECT_EQ(ledger, (Ledger{.published = 3, .handled = 2, .dead_lettered = 1}));
}

// Claim:  what waits to be called when the subscription or the bus ends is dropped, and counted.
// Method: the handler ends its subscription with two events waiting.
TEST(MoveShardsPolled, DropsWhatWaitsWhenTheSubscriptionEnds) {
  Timed timed;
  std::optional<Subscription> sub;
  int calls = 0;
  sub = timed.bus.subscribe<Tick>({.handler_limit = 1s, .on_overrun = OnOverrun::move_shards}, [&](const Tick&) {
    ++calls;
    sub.reset();
  });
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(timed.bus.publish(Tick{}));
  timed.run();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(timed.bus.stop(1s).ledger, (Ledger{.published = 3, .handled = 1, .dropped = 2}));
}

// Claim:  without worker threads a call over its limit is reported, and left alone.
// Method: the handler moves the clock and asks.
TEST(MoveShardsPolled, OnlyReportsWithoutThreads) {
  Timed timed;
  std::vector<SlowHandler> slow;
  const auto sub =
      timed.bus.subscribe<Tick>({.handler_limit = 5ms, .on_overrun = OnOverrun::move_shards}, [&](const Tick&) {
        timed.now_ns += 6'000'000;
        slow = timed.bus.slow_handlers();
      });
  ASSERT_TRUE(timed.bus.publish(Tick{}));
  timed.run();
  ASSERT_EQ(slow.size(), 1U);
  EXPECT_FALSE(slow[0].left_behind);
  EXPECT_EQ(timed.bus.stop(1s).ledger, (Ledger{.published = 1, .handled = 1}));
}

// Claim:  what cannot be honoured is an error at subscribe time.
// Method: a batch handler; no limit; a breaker.
TEST(MoveShardsPolled, RefusesWhatItCannotDo) {
  Bus bus({.workers = 0});
  const auto subscribe = [&](SubscribeOptions options, auto handler) {
    options.on_overrun = OnOverrun::move_shards;
    static_cast<void>(bus.subscribe<Tick>(options, handler));
  };
  EXPECT_THROW(subscribe({.handler_limit = 1ms}, [](std::span<const Tick>) {}), ConfigError);
  EXPECT_THROW(subscribe({}, [](const Tick&) {}), ConfigError);
  EXPECT_THROW(subscribe({.breaker = CircuitBreakerOptions{}, .handler_limit = 1ms}, [](const Tick&) {}),
               ConfigError);
}

}  // namespace
}  // namespace headrace
