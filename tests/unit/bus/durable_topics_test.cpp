#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <numeric>
#include <string>
#include <thread>
#include <utility>

#include "durable_world.hpp"
#include "stored_events.hpp"

namespace headrace {
namespace {

using namespace std::chrono_literals;
using test::Booked;
using test::DurableProgram;
using test::DurableWorld;
using test::Numbers;

struct Durable : testing::Test {
  DurableWorld world;
  Numbers seen;
  auto note() {
    return [this](const Booked& booked) { seen.push_back(booked.number); };
  }
};

// Claim:  an event is in the store when its publish returns, and reaches handlers from there, under its own id.
// Method: the store is read before anything was polled.
TEST_F(Durable, PublishIsStoredFirstAndHandledAfterwards) {
  DurableProgram program(world);
  EventId id;
  const auto handler = program.bus.subscribe<Booked>([&](const Booked& booked, Context& context) {
    seen.push_back(booked.number);
    id = context.meta()->id;
  });
  const EventPosition position = program.book(5);
  const auto stored = test::read_all(world.store);
  ASSERT_EQ(stored.size(), 1U);
  EXPECT_EQ(stored[0].position, position);
  EXPECT_EQ(stored[0].event.envelope.key, "1");
  EXPECT_TRUE(seen.empty());
  program.run();
  EXPECT_EQ(seen, Numbers{5});
  EXPECT_EQ(id, stored[0].event.envelope.id);
  EXPECT_EQ(*world.checkpoints.load("books"), position);
  EXPECT_TRUE(program.durable.wait_for(position, 0ms));
}

// Claim:  publishing with an id that is stored already stores nothing, and answers as the first time.
// Method: the same event twice, then another one under its id.
TEST_F(Durable, PublishingAgainUnderAnIdIsAnsweredAsTheFirstTime) {
  DurableProgram program(world);
  const PublishOptions options{.id = EventId::make()};
  const auto first = program.booked.publish({1, 5}, options);
  const auto again = program.booked.publish({1, 5}, options);
  EXPECT_EQ(*first, *again);
  EXPECT_EQ(test::read_all(world.store).size(), 1U);
  EXPECT_FALSE(program.booked.publish({1, 5}, {.expires_after = 1s}));
}

// Claim:  after a crash what was not handled is dispatched again, in order, with all that came behind it; what was
//         handled before it is not.
// Method: the third of five events waits for an hour for its next try when the program ends; a second program.
TEST_F(Durable, WhatWasNotHandledComesAgainAfterACrash) {
  {
    DurableProgram program(world);
    const auto handler = program.bus.subscribe<Booked>({.retry = fixed(1h, 9)}, [&](const Booked& booked) {
      seen.push_back(booked.number);
      return booked.number == 3 ? Outcome::retry() : Outcome::done();
    });
    for (int number = 1; number <= 5; ++number) program.book(number);
    program.run();
    EXPECT_EQ(seen, (Numbers{1, 2, 3, 4, 5}));
    EXPECT_EQ(program.durable.status().out, 1U);
  }
  seen.clear();
  DurableProgram program(world);
  const auto handler = program.bus.subscribe<Booked>(note());
  const EventPosition last = program.book(6);
  program.run();
  EXPECT_EQ(seen, (Numbers{3, 4, 5, 6}));
  EXPECT_EQ(*world.checkpoints.load("books"), last);
}

// Claim:  what lay in lanes when the bus ended counts as not handled, and comes again.
// Method: a bus whose worker was never started, with a subscription whose events lie in lanes as they are and one whose
//         events are shared; then a program that runs.
TEST_F(Durable, WhatLayInLanesComesAgain) {
  for (const bool shared : {false, true}) {
    Bus bus({.workers = 1});
    DurableTopics durable(bus, world.store, world.checkpoints, world.types, {.name = "books"});
    const auto topic = durable.topic<Booked>();
    const auto handler = bus.subscribe<Booked>({.ordered = shared}, note());
    if (!shared) {
      for (int number = 1; number <= 3; ++number) ASSERT_TRUE(topic.publish({1, number}));
    }
    EXPECT_EQ(durable.poll(), 3U);
    EXPECT_EQ(durable.status().out, 3U);
    static_cast<void>(bus.stop(0ns));
    EXPECT_EQ(*durable.stop(0ms), 0U);
    EXPECT_EQ(durable.status().handled, 0U);
    EXPECT_TRUE(seen.empty());
  }
  DurableProgram program(world);
  const auto handler = program.bus.subscribe<Booked>(note());
  program.run();
  EXPECT_EQ(seen, (Numbers{1, 2, 3}));
}

// Claim:  when the last subscription ends with events under way, dispatching goes back to them for the next one, and
//         goes on in order.
// Method: three events in the lane of the only subscription, which goes; another comes.
TEST_F(Durable, GoesBackWhenNobodyIsLeft) {
  DurableProgram program(world);
  std::optional<Subscription> ends(program.bus.subscribe<Booked>(note()));
  program.book(1);
  program.run();
  for (int number = 2; number <= 4; ++number) program.book(number);
  EXPECT_EQ(program.durable.poll(), 3U);
  ends.reset();
  program.bus.poll();
  EXPECT_EQ(seen, Numbers{1});
  EXPECT_EQ(program.durable.status().out, 0U);
  const auto next = program.bus.subscribe<Booked>(note());
  program.book(5);
  program.run();
  EXPECT_EQ(program.durable.status().rewinds, 1U);
  EXPECT_EQ(seen, (Numbers{1, 2, 3, 4, 5}));
}

// Claim:  an event that nobody subscribes to waits for somebody, and the status says so.
// Method: an event before any subscription; then one.
TEST_F(Durable, WaitsForASubscriber) {
  DurableProgram program(world);
  const EventPosition position = program.book(1);
  program.run();
  FollowerStatus status = program.durable.status();
  EXPECT_EQ(status.state, FollowerStatus::State::retrying);
  ASSERT_TRUE(status.error);
  EXPECT_EQ(status.error->what, "nobody subscribes");
  EXPECT_EQ(status.handled, 0U);
  const auto handler = program.bus.subscribe<Booked>(note());
  program.run();
  EXPECT_EQ(seen, Numbers{1});
  status = program.durable.status();
  EXPECT_EQ(status.state, FollowerStatus::State::running);
  EXPECT_EQ(status.handled, position);
}

// Claim:  a dead letter ends an event's stay, keeps the event, and is redriven as any other.
// Method: the first of two events is given up; its letter is redriven.
TEST_F(Durable, DeadLetterCountsAsHandled) {
  DurableProgram program(world);
  bool fails = true;
  const auto handler = program.bus.subscribe<Booked>({.name = "keeper"}, [&](const Booked& booked) {
    seen.push_back(booked.number);
    return fails && booked.number == 1 ? Outcome::dead_letter("no") : Outcome::done();
  });
  program.book(1);
  const EventPosition last = program.book(2);
  program.run();
  EXPECT_EQ(program.durable.status().out, 0U);
  EXPECT_EQ(program.durable.status().handled, last);
  const auto letters = *world.letters->list({}, 9);
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].envelope.id, test::read_all(world.store)[0].event.envelope.id);
  fails = false;
  const auto run = program.bus.dead_letters().redrive(letters[0].id);
  while (!run->report().finished) program.bus.poll();
  EXPECT_EQ(run->report().handled, 1U);
  EXPECT_EQ(seen, (Numbers{1, 2, 1}));
}

// Claim:  a lane that refuses loses nothing and keeps the order.
// Method: 100 events through a lane of a few, whose policy is `fail`.
TEST_F(Durable, FullLaneIsTriedAgain) {
  Bus small({.workers = 0, .lane_bytes = 4096});
  DurableTopics durable(small, world.store, world.checkpoints, world.types, {.name = "small"});
  const auto topic = durable.topic<Booked>();
  const auto other = small.subscribe<Booked>({.overflow = Overflow::fail()}, note());
  small.start();
  Numbers expected;
  for (int number = 1; number <= 200; ++number) {
    ASSERT_TRUE(topic.publish({1, number}));
    expected.push_back(number);
  }
  bool refused = false;
  while (seen.size() < expected.size()) {
    static_cast<void>(durable.poll());
    refused = refused || durable.status().state == FollowerStatus::State::retrying;
    small.poll();
  }
  EXPECT_EQ(seen, expected);
  EXPECT_TRUE(refused);
  EXPECT_EQ(durable.status().handed_on, 200U);
}

// Claim:  what a policy drops counts as settled.
// Method: more events than fit, for a subscription that drops the newest.
TEST_F(Durable, WhatAPolicyDropsIsSettled) {
  Bus small({.workers = 0, .lane_bytes = 4096});
  DurableTopics durable(small, world.store, world.checkpoints, world.types, {.name = "small"});
  const auto topic = durable.topic<Booked>();
  const auto handler = small.subscribe<Booked>({.overflow = Overflow::drop_newest()}, note());
  small.start();
  EventPosition last = 0;
  for (int number = 1; number <= 200; ++number) last = *topic.publish({1, number});
  while (durable.poll() > 0) {
  }
  small.poll();
  EXPECT_LT(seen.size(), 200U);
  EXPECT_GT(seen.size(), 0U);
  EXPECT_EQ(durable.status().handled, last);
}

// Claim:  no more than out_max events are out at once.
// Method: a limit of two, and a handler that keeps what it gets for an hour.
TEST_F(Durable, OutMaxBoundsWhatIsOut) {
  DurableProgram program(world, {.out_max = 2});
  const auto handler = program.bus.subscribe<Booked>({.retry = fixed(1h, 9)}, [&](const Booked& booked) {
    seen.push_back(booked.number);
    return Outcome::retry();
  });
  for (int number = 1; number <= 5; ++number) program.book(number);
  program.run();
  EXPECT_EQ(seen, (Numbers{1, 2}));
  EXPECT_EQ(program.durable.status().out, 2U);
}

// Claim:  at an event that cannot be read dispatching stands still, says where, and goes on when told to.
// Method: foreign bytes under the topic, then a good event; the bad one is truncated away.
TEST_F(Durable, StandsStillAtADamagedEvent) {
  DurableProgram program(world);
  const auto handler = program.bus.subscribe<Booked>(note());
  program.book(1);
  auto foreign = test::event_of("books.booked", "gibberish");
  foreign.content_type = "text/x-lines";
  const auto receipt = world.store.append(AppendRequest::to("foreign", ExpectedVersion::any(), {foreign}));
  ASSERT_TRUE(receipt);
  program.book(2);
  program.run();
  EXPECT_EQ(seen, Numbers{1});
  const FollowerStatus status = program.durable.status();
  EXPECT_EQ(status.state, FollowerStatus::State::failed);
  ASSERT_TRUE(status.error);
  EXPECT_NE(status.error->where.find("position " + std::to_string(receipt->last)), std::string::npos);
  ASSERT_TRUE(world.store.truncate_stream("foreign", 2));
  program.run();
  EXPECT_EQ(seen, Numbers{1});
  program.durable.resume();
  program.run();
  EXPECT_EQ(seen, (Numbers{1, 2}));
}

// Claim:  what anybody appends under the topic is dispatched, and what stands under other topics is passed over.
// Method: an event of the topic in a stream of its own among others.
TEST_F(Durable, DispatchesWhatOthersAppend) {
  DurableProgram program(world);
  const auto handler = program.bus.subscribe<Booked>(note());
  auto booked = test::event_of("books.booked", "account=7\nnumber=9\n");
  booked.content_type = "text/x-lines";
  const auto request = AppendRequest::to("account-7", ExpectedVersion::none(),
                                         {test::event_of("books.opened", "x"), booked, test::event_of("z", "x")});
  const auto receipt = world.store.append(request);
  ASSERT_TRUE(receipt);
  program.run();
  EXPECT_EQ(seen, Numbers{9});
  EXPECT_EQ(program.durable.status().handled, receipt->last);
}

// Claim:  who waits for what an earlier run has handled is told at once.
// Method: the checkpoint stands at the end when the dispatcher starts; a wait of an hour.
TEST_F(Durable, WaitingForWhatIsHandledEnds) {
  {
    DurableProgram program(world);
    const auto handler = program.bus.subscribe<Booked>([](const Booked&) {});
    program.book(1);
    program.run();
  }
  Bus bus({.workers = 1});
  DurableTopics durable(bus, world.store, world.checkpoints, world.types, {.name = "books"});
  static_cast<void>(durable.topic<Booked>());
  const auto handler = bus.subscribe<Booked>([](const Booked&) {});
  bus.start();
  std::thread waiter([&] { EXPECT_TRUE(durable.wait_for(*world.store.last_position(), std::chrono::hours{1})); });
  durable.start();
  waiter.join();
}

// Claim:  stopping does not wait for a handler that hangs, although the dispatcher waits for room in its lane.
// Method: a handler that waits for the test, behind a lane of the smallest size; more events than that holds.
TEST_F(Durable, StopsWhileTheLaneIsFull) {
  Bus bus({.workers = 1, .lane_bytes = 4096});
  DurableTopics durable(bus, world.store, world.checkpoints, world.types, {.name = "full"});
  const auto topic = durable.topic<Booked>();
  std::atomic<bool> go_on{false};
  const auto handler = bus.subscribe<Booked>([&](const Booked&) { go_on.wait(false); });
  bus.start();
  for (std::int64_t i = 0; i < 200; ++i) ASSERT_TRUE(topic.publish({1, i}));
  durable.start();
  // It stands still when as many are out as the lane holds.
  for (std::size_t out = 0, before = 1; out != before || out == 0;) {
    before = std::exchange(out, durable.status().out);
    static_cast<void>(durable.wait_for(*world.store.last_position(), std::chrono::milliseconds{20}));
  }
  const auto left = durable.stop(std::chrono::milliseconds{0});
  ASSERT_TRUE(left);
  EXPECT_GT(*left, 0U);
  EXPECT_LT(*left, 200U);
  go_on = true;
  go_on.notify_all();
}

// Claim:  what cannot be honoured is refused at start-up.
// Method: each of them.
TEST_F(Durable, RefusesWhatItCannotHonour) {
  Bus bus({.workers = 0});
  const auto make = [&](std::shared_ptr<EventTypes> types, FollowerOptions options) {
    return std::make_unique<DurableTopics>(bus, world.store, world.checkpoints, std::move(types),
                                           std::move(options));
  };
  EXPECT_THROW(make(world.types, {}), ConfigError);
  EXPECT_THROW(make(nullptr, {.name = "a"}), ConfigError);
  EXPECT_THROW(make(world.types, {.name = "a", .out_max = 0}), ConfigError);
  const auto unknown = std::make_shared<EventTypes>(std::make_shared<test::LineCodec>());
  EXPECT_THROW(static_cast<void>(make(unknown, {.name = "a"})->topic<Booked>()), ConfigError);
  bus.start();
  const auto durable = make(world.types, {.name = "a"});
  static_cast<void>(durable->topic<Booked>());
  static_cast<void>(durable->poll());
  EXPECT_THROW(static_cast<void>(durable->topic<Booked>("late")), ConfigError);
}

// Claim:  with threads, every publisher's events are handled in its order, and a stop leaves nothing behind.
// Method: two threads publish 300 events each to a bus with two workers, one account each.
TEST_F(Durable, ThreadsPublishAndHandleInOrder) {
  constexpr std::int64_t kEach = 300;
  Bus bus({.workers = 2});
  DurableTopics durable(bus, world.store, world.checkpoints, world.types, {.name = "threads", .out_max = 16});
  const auto topic = durable.topic<Booked>();
  Numbers of[2];
  const auto handler = bus.subscribe<Booked>({.placement = Placement::sharded}, [&](const Booked& booked) {
    of[booked.account].push_back(booked.number);
  });
  bus.start();
  durable.start();
  std::vector<std::thread> publishers;
  for (std::uint64_t account = 0; account < 2; ++account) {
    publishers.emplace_back([&, account] {
      for (std::int64_t number = 0; number < kEach; ++number) {
        if (number % 2 == 0) {
          EXPECT_TRUE(topic.publish({account, number}));
        } else {
          topic.submit({account, number}, [](Result<EventPosition> position) { EXPECT_TRUE(position); });
        }
      }
    });
  }
  for (auto& publisher : publishers) publisher.join();
  const EventPosition last = *world.store.last_position();
  EXPECT_TRUE(durable.wait_for(last, 1h));
  EXPECT_EQ(*durable.stop(1h), 0U);
  EXPECT_EQ(*world.checkpoints.load("threads"), last);
  Numbers expected(kEach);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(of[0], expected);
  EXPECT_EQ(of[1], expected);
  EXPECT_EQ(durable.status().state, FollowerStatus::State::closed);
}

}  // namespace
}  // namespace headrace
