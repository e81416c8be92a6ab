#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "bridge_world.hpp"
#include "durable_world.hpp"
#include "headrace/bus/inbound_events.hpp"
#include "headrace/bus/refusal_rest.hpp"
#include "settle.hpp"
#include "timed.hpp"

namespace headrace {
namespace {

using namespace std::chrono_literals;

/// A source and a sink on a bus whose time stands still; a refusal rests one to a hundred milliseconds.
struct BridgeRests : testing::Test {
  test::HandSource from;
  test::HandSink to;
  test::Timed timed;
  SinkBridge way{timed.bus, to, {.subscription = {.filter = "#", .name = "way"}, .rest = {100ms, 400ms}}};
  SourceBridge source{timed.bus, from};
  const Status refusal = Error{"full", "", Error::Retry::maybe};

  void SetUp() override {
    timed.bus.start();
    ASSERT_TRUE(source.start());
  }
  std::size_t refused() {
    const std::size_t number = from.hand_in("x");
    timed.run();
    to.confirm(refusal);
    return number;
  }
};

// Claim:  a message that the sink refuses for now goes back to its broker after a rest, not at once, so that a broker
//         that delivers it again at once makes no hot loop; those refused meanwhile go with it.
// Method: two refusals; the time until both are back is at most the first delay.
TEST_F(BridgeRests, RefusedMessagesRest) {
  const std::size_t first = refused();
  const std::size_t second = refused();
  EXPECT_EQ(from.settled(first), "open");
  EXPECT_EQ(from.settled(second), "open");
  EXPECT_EQ(way.counts().retried, 2U);
  timed.advance(100ms + 10ms);
  EXPECT_EQ(from.settled(first), "retry");
  EXPECT_EQ(from.settled(second), "retry");
  EXPECT_EQ(timed.bus.snapshot().ledger.unrouted, 0U);
}

// Claim:  rests grow while refusals go on, up to the cap, and begin anew after a confirm.
// Method: the longest of many rests, before and after a confirm; full jitter makes single ones short.
TEST_F(BridgeRests, RestsGrowUntilAConfirm) {
  const auto longest = [this](int rests) {
    std::chrono::milliseconds most{0};
    for (int i = 0; i < rests; ++i) {
      const std::size_t number = refused();
      std::chrono::milliseconds took{0};
      for (; from.settled(number) == "open" && took < 1s; took += 5ms) timed.advance(5ms);
      most = std::max(most, took);
    }
    return most;
  };
  EXPECT_GT(longest(30), 200ms);
  EXPECT_LE(longest(30), 400ms + 10ms);
  (void)from.hand_in("x");
  timed.run();
  to.confirm(Nothing{});
  EXPECT_LE(longest(1), 100ms + 10ms);
}

/// How long the first rests of one that is called `name` last, on a bus of its own with this seed.
std::vector<int> rests_of(std::uint64_t seed, std::string_view name) {
  test::Timed timed({.seed = seed});
  timed.bus.start();
  RefusalRest rest(timed.bus, {1s, 8s}, name);
  std::vector<int> lasted;
  for (int i = 0; i < 6; ++i) {
    auto refused = std::make_shared<int>(0);
    const std::weak_ptr<int> kept = refused;
    rest.keep(std::move(refused));
    for (lasted.push_back(0); !kept.expired() && lasted.back() < 9'000; ++lasted.back()) timed.advance(1ms);
  }
  rest.leave_bus();
  return lasted;
}

// Claim:  on a bus with a seed rests last the same each run, so that a simulation's trace is the seed's; another seed or
//         another name has others.
// Method: the first rests of several buses.
TEST(RefusalRests, AreTheSeeds) {
  const auto rests = rests_of(7, "way");
  EXPECT_EQ(rests_of(7, "way"), rests);
  EXPECT_NE(rests_of(8, "way"), rests);
  EXPECT_NE(rests_of(7, "other"), rests);
}

// Claim:  a sink that is full lets messages rest, too; one that is closed does not, since nothing will change.
// Method: both.
TEST_F(BridgeRests, FullSinksRestAndClosedOnesDoNot) {
  to.answer_sends_with(SendResult::full);
  const std::size_t full = from.hand_in("x");
  timed.run();
  EXPECT_EQ(from.settled(full), "open");
  to.answer_sends_with(SendResult::closed);
  const std::size_t closed = from.hand_in("x");
  timed.run();
  EXPECT_EQ(from.settled(closed), "retry");
}

// Claim:  the end of the bus cuts a rest short, and a confirm that comes after it finds no bus and needs none.
// Method: one that rests, one that is refused after the bridge and the bus have gone.
TEST(BridgeRestsEnd, BusThatEndsLetsGo) {
  test::HandSource from;
  test::HandSink to;
  const Status refusal = Error{"full", "", Error::Retry::maybe};
  std::size_t resting = 0;
  std::size_t late = 0;
  {
    test::Timed timed;
    SinkBridge way(timed.bus, to, {.subscription = {.filter = "#", .name = "way"}, .rest = {1h, 1h}});
    SourceBridge source(timed.bus, from);
    timed.bus.start();
    ASSERT_TRUE(source.start());
    resting = from.hand_in("x");
    late = from.hand_in("x");
    timed.run();
    to.confirm(refusal);
    (void)timed.bus.stop(0s);
  }
  EXPECT_EQ(from.settled(resting), "retry");
  to.confirm(refusal);
  EXPECT_EQ(from.settled(late), "retry");
}

// Claim:  a message that cannot be read now goes back to its broker after a rest; a bus that has stopped, and a rest
//         that is over, leave none open.
// Method: a reader whose store is away.
TEST(InboundRests, WhatCannotBeReadNowRests) {
  test::HandSource from;
  test::Timed timed;
  const auto types = std::make_shared<EventTypes>(std::make_shared<test::LineCodec>());
  const auto away = [](const Message&) -> Result<EncodedEvent> { return Error{"away", "", Error::Retry::maybe}; };
  InboundEvents inbound(timed.bus, from, types, away, {.rest = {100ms, 400ms}});
  timed.bus.start();
  ASSERT_TRUE(inbound.start());
  const std::size_t first = from.hand_in("x");
  EXPECT_EQ(from.settled(first), "open");
  timed.advance(100ms + 10ms);
  EXPECT_EQ(from.settled(first), "retry");
  const std::size_t second = from.hand_in("x");
  timed.bus.stop(0ms);
  EXPECT_EQ(from.settled(second), "retry");
  EXPECT_EQ(from.settled(from.hand_in("x")), "retry");
  EXPECT_EQ(inbound.counts().refused, 3U);
}

/// What a bridge's function says of a topic.
Status fate_of(const Message& message) {
  if (message.topic == "away") return Error{"away", "", Error::Retry::maybe};
  if (message.topic == "gone") return Error{"gone", ""};
  return Nothing{};
}

// Claim:  a message that a source's bridge cannot change goes back after a rest where that may help, else it is rejected
//         with the reason; its copies hear the same, and another message enters as it was changed.
// Method: a change that fails in both ways, a copy of each, and one that it changes.
TEST(SourceBridgeRests, WhatCannotBeChangedNowRests) {
  test::HandSource from;
  test::HandSink to;
  test::Timed timed;
  SinkBridge way(timed.bus, to, {.subscription = {.filter = "#", .name = "way"}});
  SourceBridgeOptions options;
  options.identity = [](const Message& message) { return message.headers.front().second; };
  options.change = [](Message& message) {
    message.key = "changed";
    return fate_of(message);
  };
  options.rest = {100ms, 400ms};
  SourceBridge source(timed.bus, from, std::move(options));
  timed.bus.start();
  ASSERT_TRUE(source.start());
  const std::size_t away = from.hand_in("away", "1");
  const std::size_t copy = from.hand_in("away", "1");
  const std::size_t gone = from.hand_in("gone", "2");
  const std::size_t fine = from.hand_in("fine", "3");
  timed.run();
  EXPECT_EQ(from.settled(away), "open");
  EXPECT_EQ(from.reason(gone), "gone");
  ASSERT_EQ(to.waiting(), 1U);
  EXPECT_EQ(to.next().key, "changed");
  to.confirm(Nothing{});
  EXPECT_EQ(from.settled(fine), "done");
  timed.advance(110ms);
  EXPECT_EQ(from.settled(away), "retry");
  EXPECT_EQ(from.settled(copy), "retry");
  EXPECT_EQ(source.counts().refused, 1U);
  EXPECT_EQ(source.counts().rejected, 1U);
  EXPECT_EQ(source.counts().copies, 1U);
}

// Claim:  a message that the bus refuses for now goes back after a rest, too.
// Method: a lane that is full, of a group that answers so.
TEST(SourceBridgeRests, WhatTheBusRefusesRests) {
  test::HandSource from;
  test::Timed timed;
  SourceBridge source(timed.bus, from, {.rest = {100ms, 400ms}});
  const auto sub = timed.bus.subscribe<RelayedMessage>(
      {.filter = "#", .overflow = Overflow::fail()},
      [](const RelayedMessage& event) { event.relay->answer(Settlement::done); });
  timed.bus.start();
  ASSERT_TRUE(source.start());
  std::size_t last = 0;
  while (source.counts().refused == 0) last = from.hand_in("x");
  EXPECT_EQ(from.settled(last), "open");
  timed.run();
  timed.advance(110ms);
  EXPECT_EQ(from.settled(last), "retry");
}

// Claim:  what a way cannot pack, or change, goes back after a rest where that may help, else it is rejected with the
//         reason; what it packs goes out so, under the broker's topic, after the way's conditions have seen it unpacked.
// Method: a pack and a change that fail in both ways; one that packs.
TEST(SinkBridgePacks, WhatCannotBePackedNowRests) {
  for (const bool packs : {true, false}) {
    test::HandSource from;
    test::HandSink to;
    test::Timed timed;
    SinkBridgeOptions options{.subscription = {.filter = "#", .name = "way"}, .rest = {100ms, 400ms}};
    options.accepts = [packs](std::string_view, const Message& message) {
      return packs != (message.key == "new");
    };
    (packs ? options.pack : options.change) = [](Message& message) {
      message.key = "new";
      return fate_of(message);
    };
    SinkBridge way(timed.bus, to, std::move(options));
    SourceBridge source(timed.bus, from);
    timed.bus.start();
    ASSERT_TRUE(source.start());
    const std::size_t away = from.hand_in("away");
    const std::size_t gone = from.hand_in("gone");
    static_cast<void>(from.hand_in("fine"));
    timed.run();
    EXPECT_EQ(from.settled(away), "open");
    EXPECT_EQ(from.reason(gone), "gone");
    ASSERT_EQ(to.waiting(), 1U);
    EXPECT_EQ(to.next().key, "new");
    timed.advance(110ms);
    EXPECT_EQ(from.settled(away), "retry");
    EXPECT_EQ(way.counts().retried, 1U);
    EXPECT_EQ(way.counts().rejected, 1U);
  }
}

}  // namespace
}  // namespace headrace
