#include <gtest/gtest.h>

#include <atomic>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "counted.hpp"
#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "settle.hpp"

namespace headrace {
namespace {

using namespace test;

// A bus without threads: what was published before poll() is one run, so that batches are known.
DispatcherOptions polled() { return {.workers = 0}; }

void publish_ticks(Bus& bus, std::uint64_t count) {
  Publisher publisher = bus.publisher();
  for (std::uint64_t i = 0; i < count; ++i) ASSERT_TRUE(publisher.publish(Tick{.key = i % 3, .value = i}));
}

// Claim:  a handler may take an event or a span of them, with or without the Context; each sees every event in
//         order.
// Method: one of each shape on one bus; a hundred events.
TEST(Handlers, EveryShapeSeesEveryEventInOrder) {
  Bus bus(polled());
  std::vector<std::uint64_t> seen[4];
  const auto one = bus.subscribe<Tick>([&](const Tick& e) { seen[0].push_back(e.value); });
  const auto one_context = bus.subscribe<Tick>([&](const Tick& e, Context& context) {
    EXPECT_EQ(context.topic(), "test.tick");
    EXPECT_EQ(context.key(), event_key_hash(e));
    EXPECT_EQ(context.worker(), 0U);
    seen[1].push_back(e.value);
  });
  const auto batch = bus.subscribe<Tick>([&](std::span<const Tick> events) {
    for (const Tick& e : events) seen[2].push_back(e.value);
  });
  const auto batch_context =
      bus.subscribe<Tick>({.name = "named"}, [&](std::span<const Tick> events, Context& context) {
        EXPECT_EQ(context.subscription(), "named");
        for (const Tick& e : events) seen[3].push_back(e.value);
      });
  publish_ticks(bus, 100);
  const Ledger ledger = stop_drained(bus);
  EXPECT_EQ(ledger.published, 400U);
  EXPECT_EQ(ledger.handled, 400U);
  for (const auto& values : seen) {
    ASSERT_EQ(values.size(), 100U);
    for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(values[i], i);
  }
}

// Claim:  what a predicate refuses is not handled and counts as unrouted; per event and per batch alike.
// Method: every third event is wanted; the batch handler must see stretches of wanted ones only.
TEST(Handlers, RefusedEventsCountAsUnrouted) {
  Bus bus(polled());
  const auto third = where([](const Tick& e) { return e.value % 4 < 2; });
  std::uint64_t one = 0;
  std::vector<std::size_t> batches;
  const auto by_one = bus.subscribe<Tick>({.name = "one"}, third, [&](const Tick& e) {
    EXPECT_LT(e.value % 4, 2U);
    ++one;
  });
  const auto by_batch = bus.subscribe<Tick>({.name = "batch"}, third, [&](std::span<const Tick> events) {
    for (const Tick& e : events) EXPECT_LT(e.value % 4, 2U);
    batches.push_back(events.size());
  });
  const std::vector<Tick> events = [] {
    std::vector<Tick> made;
    for (std::uint64_t i = 0; i < 12; ++i) made.push_back({.key = 0, .value = i});
    return made;
  }();
  Publisher publisher = bus.publisher();
  EXPECT_EQ(publisher.publish(std::span(events)).accepted(), 12U);
  while (bus.poll() > 0) {
  }
  EXPECT_EQ(one, 6U);
  EXPECT_EQ(batches, (std::vector<std::size_t>{2, 2, 2}));
  const Snapshot snapshot = bus.snapshot();
  EXPECT_EQ(snapshot.ledger, (Ledger{.published = 24, .handled = 12, .unrouted = 12}));
  for (const auto& subscription : snapshot.subscriptions) EXPECT_EQ(subscription.refused, 6U);
}

// Claim:  a handler that throws loses that event alone: it is counted as failed and reported, all others are
//         handled, by this handler and by its neighbours.
// Method: two in ten events throw, one of them something that is no std::exception.
TEST(Handlers, ThrowingHandlerHarmsNobodyElse) {
  std::vector<std::string> errors;
  DispatcherOptions options = polled();
  options.on_handler_error = [&](const HandlerError& error) {
    errors.push_back(std::string(error.subscription) + "|" + std::string(error.topic) + "|" +
                     std::string(error.what));
  };
  Bus bus(options);
  std::uint64_t handled = 0;
  std::uint64_t beside = 0;
  const auto thrower = bus.subscribe<Tick>({.name = "thrower"}, [&](const Tick& e) {
    if (e.value == 3) throw std::runtime_error("three");
    if (e.value == 9) throw 9;
    ++handled;
  });
  const auto neighbour = bus.subscribe<Tick>([&](const Tick&) { ++beside; });
  publish_ticks(bus, 10);
  const Ledger ledger = stop_drained(bus);
  EXPECT_EQ(ledger, (Ledger{.published = 20, .handled = 18, .failed = 2}));
  EXPECT_EQ(handled, 8U);
  EXPECT_EQ(beside, 10U);
  EXPECT_EQ(errors,
            (std::vector<std::string>{"thrower|test.tick|three", "thrower|test.tick|not a std::exception"}));
}

// Claim:  a batch handler that throws fails its whole batch, and nothing else.
// Method: the first batch throws, the second does not.
TEST(Handlers, ThrowingBatchFailsAsAWhole) {
  Bus bus(polled());
  int calls = 0;
  const auto thrower = bus.subscribe<Tick>([&](std::span<const Tick>) {
    if (++calls == 1) throw std::runtime_error("first");
  });
  const std::vector<Tick> events(7);
  Publisher publisher = bus.publisher();
  EXPECT_EQ(publisher.publish(std::span(events)).accepted(), 7U);
  while (bus.poll() > 0) {
  }
  EXPECT_EQ(publisher.publish(std::span(events).first(5)).accepted(), 5U);
  EXPECT_EQ(stop_drained(bus), (Ledger{.published = 12, .handled = 5, .failed = 7}));
}

// Claim:  a predicate that throws fails the event that it was asked about, not those accepted before it.
// Method: the sixth of ten makes it throw; the handler sees the other nine, in two stretches.
TEST(Handlers, ThrowingPredicateFailsOneEvent) {
  Bus bus(polled());
  const auto judge = where([](const Tick& e) {
    if (e.value == 5) throw std::runtime_error("five");
    return true;
  });
  std::vector<std::uint64_t> one;
  std::vector<std::uint64_t> batch;
  const auto by_one = bus.subscribe<Tick>({}, judge, [&](const Tick& e) { one.push_back(e.value); });
  const auto by_batch = bus.subscribe<Tick>({}, judge, [&](std::span<const Tick> events) {
    for (const Tick& e : events) batch.push_back(e.value);
  });
  publish_ticks(bus, 10);
  EXPECT_EQ(stop_drained(bus), (Ledger{.published = 20, .handled = 18, .failed = 2}));
  EXPECT_EQ(one, (std::vector<std::uint64_t>{0, 1, 2, 3, 4, 6, 7, 8, 9}));
  EXPECT_EQ(batch, one);
}

// Claim:  a tap sees events of every type and every topic, also those whose topic begins with `$`; its filter
//         narrows it.
// Method: three types, typed and dynamic topics.
TEST(Handlers, TapSeesEverything) {
  Bus bus(polled());
  std::vector<std::string> topics;
  std::vector<std::string> narrow;
  const auto tap = bus.tap([&](const AnyEvent& e) {
    topics.emplace_back(e.topic);
    EXPECT_TRUE(e.type != event_type_id<Tick>() || static_cast<const Tick*>(e.data)->value == 1);
  });
  const auto some = bus.tap({.filter = "a/+", .name = "some"}, [&](const AnyEvent& e, Context& context) {
    EXPECT_EQ(context.topic(), e.topic);
    narrow.emplace_back(e.topic);
  });
  Publisher publisher = bus.publisher();
  EXPECT_TRUE(publisher.publish(Tick{.key = 0, .value = 1}));
  EXPECT_TRUE(publisher.publish("a/b", Tock{2}));
  EXPECT_TRUE(publisher.publish(Named{"name"}));
  EXPECT_TRUE(publisher.publish("$SYS/load", Tock{3}));
  const Ledger ledger = stop_drained(bus);
  EXPECT_EQ(topics, (std::vector<std::string>{"test.tick", "a/b", "test.named", "$SYS/load"}));
  EXPECT_EQ(narrow, (std::vector<std::string>{"a/b"}));
  EXPECT_EQ(ledger.handled, 5U);
}

// Claim:  move-only events and strings arrive whole and are destroyed once, inline and shared by count.
// Method: one worker's groups share a frame, groups on three workers share the event; no object is left after
//         stop.
TEST(Handlers, NonTrivialEventsAreDestroyedOnce) {
  {
    Bus bus({.workers = 3});
    std::atomic<std::uint64_t> sum{0};
    std::atomic<std::uint64_t> letters{0};
    const auto add = [&](const Counted& e) { sum.fetch_add(*e.value); };
    const auto first = bus.subscribe<Counted>({.worker = 0}, add);
    const auto same_worker = bus.subscribe<Counted>({.worker = 0}, add);
    const auto other_worker = bus.subscribe<Counted>({.worker = 1}, add);
    const auto batched = bus.subscribe<Counted>({.worker = 2}, [&](std::span<const Counted> events) {
      for (const Counted& e : events) sum.fetch_add(*e.value);
    });
    const auto named = bus.subscribe<Named>([&](const Named& e) { letters.fetch_add(e.name.size()); });
    bus.start();
    Publisher publisher = bus.publisher();
    for (std::uint64_t i = 1; i <= 1000; ++i) {
      ASSERT_TRUE(publisher.publish(Counted(i)));
      ASSERT_TRUE(publisher.publish(Named{std::string(100, 'x')}));
    }
    stop_drained(bus);
    EXPECT_EQ(sum.load(), 4U * 1000 * 1001 / 2);
    EXPECT_EQ(letters.load(), 100'000U);
    EXPECT_EQ(Counted::alive.load(), 0);
  }
  EXPECT_EQ(Counted::alive.load(), 0);
}

// Claim:  an event that is not accepted stays with the publisher, whole.
// Method: a full lane under the fail policy.
TEST(Handlers, RefusedPublishLeavesTheEvent) {
  Bus bus({.workers = 0, .lane_bytes = 4096});
  const auto sink = bus.subscribe<Counted>({.overflow = Overflow::fail()}, [](const Counted&) {});
  Publisher publisher = bus.publisher();
  Counted event(7);
  PublishStatus status = PublishStatus::published;
  for (int i = 0; i < 1000 && status == PublishStatus::published; ++i)
    status = publisher.publish(Counted(1)).status();
  EXPECT_EQ(status, PublishStatus::full);
  EXPECT_FALSE(publisher.publish(std::move(event)));
  ASSERT_NE(event.value, nullptr);
  EXPECT_EQ(*event.value, 7U);
  stop_drained(bus);
}

}  // namespace
}  // namespace headrace
