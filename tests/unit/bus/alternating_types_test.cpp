#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "settle.hpp"

// Events of types in turn make a frame each, and those that one handler alone wants go the worker's shortest way.

namespace headrace {
namespace {

using namespace test;

constexpr std::uint64_t kTurns = 40;

/// Publishes a Tick, a Tock and a Large in each turn, all with the turn's number, and has them handled.
void publish_in_turn(Bus& bus, std::uint64_t turns = kTurns) {
  Publisher publisher = bus.publisher();
  for (std::uint64_t i = 0; i < turns; ++i) {
    ASSERT_TRUE(publisher.publish(Tick{.key = i % 3, .value = i}));
    ASSERT_TRUE(publisher.publish(Tock{i}));
    ASSERT_TRUE(publisher.publish(Large{.value = i}));
  }
  while (bus.poll() > 0) {
  }
}

// Claim:  each handler sees the events of its type in order, and its Context names that event's topic and
//         subscription.
// Method: three types in turn, before the bus is polled; the order over all types is noted, too.
TEST(AlternatingTypes, ReachTheirHandlersInOrder) {
  Bus bus({.workers = 0});
  std::vector<std::string> seen;
  const auto note = [&](const auto& event, Context& context) {
    seen.push_back(std::string(context.topic()) + " " + std::string(context.subscription()) + " " +
                   std::to_string(event.value));
  };
  const auto ticks = bus.subscribe<Tick>({.name = "ticks"}, [&](const Tick& e, Context& on) { note(e, on); });
  const auto tocks = bus.subscribe<Tock>({.name = "tocks"}, [&](const Tock& e, Context& on) { note(e, on); });
  const auto larges = bus.subscribe<Large>({.name = "larges"}, [&](const Large& e, Context& on) { note(e, on); });
  publish_in_turn(bus);
  ASSERT_EQ(seen.size(), 3 * kTurns);
  for (std::uint64_t i = 0; i < kTurns; ++i) {
    const std::string number = " " + std::to_string(i);
    EXPECT_EQ(seen[3 * i], "test.tick ticks" + number);
    EXPECT_EQ(seen[3 * i + 1], "test.tock tocks" + number);
    EXPECT_EQ(seen[3 * i + 2], "test.large larges" + number);
  }
  EXPECT_EQ(stop_drained(bus).handled, 3 * kTurns);
}

// Claim:  what one handler throws, or its predicate refuses, is counted for it alone.
// Method: Ticks throw at every fourth event, Tocks are refused at every fifth, Larges are all handled.
TEST(AlternatingTypes, EachHandlersExceptionsAreItsOwn) {
  Bus bus({.workers = 0});
  const auto ticks = bus.subscribe<Tick>([](const Tick& e) {
    if (e.value % 4 == 1) throw std::runtime_error("every fourth");
  });
  const auto tocks =
      bus.subscribe<Tock>({}, where([](const Tock& e) { return e.value % 5 != 2; }), [](const Tock&) {});
  const auto larges = bus.subscribe<Large>([](const Large&) {});
  publish_in_turn(bus);
  const Ledger ledger = stop_drained(bus);
  EXPECT_EQ(ledger.failed, kTurns / 4);
  EXPECT_EQ(ledger.unrouted, kTurns / 5);
  EXPECT_EQ(ledger.handled, 3 * kTurns - kTurns / 4 - kTurns / 5);
}

// Claim:  a handler that ends its own subscription sees nothing more, and what comes later is dropped; the others go
//         on. A subscription ended between publish and poll sees nothing.
// Method: Ticks end theirs at the tenth event, Larges' is ended before the poll.
TEST(AlternatingTypes, AHandlerMayEndItsOwnSubscription) {
  Bus bus({.workers = 0});
  std::uint64_t ticks_seen = 0;
  std::uint64_t tocks_seen = 0;
  std::optional<Subscription> ticks;
  ticks = bus.subscribe<Tick>([&](const Tick& e) {
    ++ticks_seen;
    if (e.value == 9) ticks.reset();
  });
  const auto tocks = bus.subscribe<Tock>([&](const Tock&) { ++tocks_seen; });
  std::optional larges = bus.subscribe<Large>([](const Large&) { FAIL() << "its subscription had ended"; });
  Publisher publisher = bus.publisher();
  for (std::uint64_t i = 0; i < kTurns; ++i) {
    ASSERT_TRUE(publisher.publish(Tick{.value = i}));
    ASSERT_TRUE(publisher.publish(Tock{i}));
    ASSERT_TRUE(publisher.publish(Large{.value = i}));
  }
  larges.reset();
  while (bus.poll() > 0) {
  }
  EXPECT_EQ(ticks_seen, 10U);
  EXPECT_EQ(tocks_seen, kTurns);
  const Ledger ledger = stop_drained(bus);
  EXPECT_EQ(ledger.handled, 10 + kTurns);
  EXPECT_EQ(ledger.dropped, kTurns - 10 + kTurns);
}

// Claim:  types that need more than one handler's call get it in between: two groups, strings, meta.
// Method: Ticks have two groups and Larges one, Named events carry a string, Tocks are published with options.
TEST(AlternatingTypes, OthersInBetweenGoTheirLongerWay) {
  Bus bus({.workers = 0});
  std::uint64_t sums[3] = {};
  std::string letters;
  std::vector<bool> with_meta;
  const auto one = bus.subscribe<Tick>([&](const Tick& e) { sums[0] += e.value; });
  const auto two = bus.subscribe<Tick>([&](const Tick& e) { sums[1] += e.value; });
  const auto larges = bus.subscribe<Large>([&](const Large& e) { sums[2] += e.value; });
  const auto named = bus.subscribe<Named>([&](const Named& e) { letters += e.name; });
  const auto tocks =
      bus.subscribe<Tock>([&](const Tock&, Context& on) { with_meta.push_back(on.meta() != nullptr); });
  Publisher publisher = bus.publisher();
  for (std::uint64_t i = 0; i < kTurns; ++i) {
    ASSERT_TRUE(publisher.publish(Tick{.value = i}));
    ASSERT_TRUE(publisher.publish(Large{.value = i}));
    ASSERT_TRUE(publisher.publish(Named{std::string(1, static_cast<char>('a' + i % 26))}));
    ASSERT_TRUE(i % 2 == 0 ? publisher.publish(Tock{i}, PublishOptions{}) : publisher.publish(Tock{i}));
  }
  while (bus.poll() > 0) {
  }
  for (const std::uint64_t sum : sums) EXPECT_EQ(sum, kTurns * (kTurns - 1) / 2);
  ASSERT_EQ(letters.size(), kTurns);
  ASSERT_EQ(with_meta.size(), kTurns);
  for (std::uint64_t i = 0; i < kTurns; ++i) {
    EXPECT_EQ(letters[i], static_cast<char>('a' + i % 26));
    EXPECT_EQ(with_meta[i], i % 2 == 0);
  }
  EXPECT_EQ(stop_drained(bus).handled, 5 * kTurns);
}

// Claim:  by key, too: each key's events reach one worker in the order published, whether types alternate or stream.
// Method: two polled workers, Ticks by key and Tocks for all, first in turn, then runs of Ticks.
TEST(AlternatingTypes, GoByKeyInOrder) {
  Bus bus({.workers = 0, .polled_workers = 2});
  struct Seen {
    unsigned worker = 0;
    std::vector<std::uint64_t> values;
  };
  std::array<Seen, 7> by_key;
  std::set<unsigned> workers;
  const auto ticks = bus.subscribe<Tick>({.placement = Placement::sharded}, [&](const Tick& e, Context& on) {
    Seen& seen = by_key.at(e.key);
    if (seen.values.empty()) seen.worker = on.worker();
    EXPECT_EQ(seen.worker, on.worker());
    workers.insert(on.worker());
    seen.values.push_back(e.value);
  });
  const auto tocks = bus.subscribe<Tock>({.placement = Placement::sharded}, [](const Tock&) {});
  Publisher publisher = bus.publisher();
  constexpr std::uint64_t kEvents = 700;
  for (std::uint64_t i = 0; i < kEvents; ++i) {
    ASSERT_TRUE(publisher.publish(Tick{.key = i % by_key.size(), .value = i}));
    if (i < kEvents / 2) {
      ASSERT_TRUE(publisher.publish(Tock{i}));
    }
    if (i % 90 == 0) bus.poll();
  }
  while (bus.poll() > 0) {
  }
  EXPECT_EQ(workers.size(), 2U);
  for (std::uint64_t key = 0; key < by_key.size(); ++key) {
    const auto& values = by_key.at(key).values;
    ASSERT_EQ(values.size(), kEvents / by_key.size());
    for (std::uint64_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], key + i * by_key.size());
  }
  EXPECT_EQ(stop_drained(bus).handled, kEvents + kEvents / 2);
}

}  // namespace
}  // namespace headrace
