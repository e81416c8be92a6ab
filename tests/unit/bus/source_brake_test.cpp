#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bridge_world.hpp"
#include "durable_world.hpp"
#include "headrace/bus/inbound_events.hpp"
#include "inbound_world.hpp"
#include "timed.hpp"

namespace headrace {
namespace {

using namespace std::chrono_literals;
using test::Booked;

/// A source whose messages are typed events on a bus whose time stands still.
struct Braked : testing::Test {
  std::shared_ptr<EventTypes> types = [] {
    auto known = std::make_shared<EventTypes>(std::make_shared<test::LineCodec>());
    known->add<Booked>();
    return known;
  }();
  test::HandSource source;
  test::Timed timed{{}, {.lane_bytes = 4096}};
  std::optional<InboundEvents> inbound;
  bool is_down = true;
  std::uint64_t calls = 0;

  void start() {
    timed.bus.start();
    inbound.emplace(timed.bus, source, types, test::inbound_event_of);
    inbound->topic<Booked>();
    inbound->topic<Booked>("books.other");
    ASSERT_TRUE(inbound->start());
  }
  /// Opens at the first failure, which is given up: nothing waits then.
  Subscription breaks_easily(std::string_view filter) {
    SubscribeOptions how;
    how.filter = filter;
    how.breaker = CircuitBreakerOptions{.failures_in_a_row = 1, .open_for = 100ms};
    return timed.bus.subscribe<Booked>(how, [this](const Booked&) -> Outcome {
      ++calls;
      return is_down ? retry("down") : done();
    });
  }
  void bring(std::string topic = "books.booked") {
    Envelope envelope;
    envelope.id = EventId::make();
    envelope.topic = std::move(topic);
    Message message =
        test::inbound_message_of(*encode_event(test::LineCodec(), Booked{1, 2}, std::move(envelope)));
    static_cast<void>(source.hand_in(std::move(message)));
  }
};

// Claim:  an open breaker of a subscription that a source feeds pauses the source; the source goes on when an event may
//         probe, also when none waits, and is paused again when the probe fails.
// Method: the handler fails twice and then not; the source is looked at in between.
TEST_F(Braked, OpenBreakerPausesItsSourceUntilItMayProbe) {
  start();
  const auto sub = breaks_easily("books.booked");
  bring();
  EXPECT_FALSE(source.is_paused());
  timed.run();
  EXPECT_TRUE(source.is_paused());
  timed.advance(99ms);
  EXPECT_TRUE(source.is_paused());
  timed.advance(2ms);
  EXPECT_FALSE(source.is_paused());
  bring();  // it probes
  timed.run();
  EXPECT_EQ(calls, 2U);
  EXPECT_TRUE(source.is_paused());
  is_down = false;
  bring();  // the source had fetched it before: it waits in line
  timed.run();
  EXPECT_EQ(calls, 2U);
  timed.advance(101ms);
  EXPECT_EQ(calls, 3U);
  EXPECT_FALSE(source.is_paused());
  EXPECT_EQ(inbound->counts().pauses, 2U);
}

// Claim:  a breaker of a subscription that sees none of the source's topics does not pause it.
// Method: one subscribes to a topic that a publisher of the program has, another to the source's by a wildcard.
TEST_F(Braked, BreakersOfOtherTopicsDoNotPause) {
  start();
  const auto other = breaks_easily("accounts.#");
  ASSERT_TRUE(timed.bus.publish("accounts.opened", Booked{1, 1}));
  timed.run();
  EXPECT_EQ(calls, 1U);
  EXPECT_FALSE(source.is_paused());
  const auto ours = breaks_easily("*.other");
  bring("books.other");
  timed.run();
  EXPECT_EQ(calls, 2U);
  EXPECT_TRUE(source.is_paused());
}

// Claim:  a source goes on when all that paused it is over, not before: two breakers, and the program.
// Method: one is open from the start; the other opens half its time later; the program holds the source as well.
TEST_F(Braked, SourceGoesOnWhenNothingHoldsItBack) {
  start();
  const auto one = breaks_easily("books.booked");
  const auto two = breaks_easily("books.other");
  bring();
  timed.run();
  timed.advance(50ms);
  bring("books.other");
  timed.run();
  timed.advance(60ms);
  EXPECT_TRUE(source.is_paused());
  inbound->pause();
  timed.advance(50ms);
  EXPECT_TRUE(source.is_paused());
  inbound->resume();
  EXPECT_FALSE(source.is_paused());
  EXPECT_EQ(inbound->counts().pauses, 1U);
}

// Claim:  the end of a subscription whose breaker is open, and that of the bridge, let the source go on.
// Method: a subscription with an event in line ends; another breaker opens, and the bridge goes.
TEST_F(Braked, EndsLetTheSourceGoOn) {
  start();
  auto sub = std::make_optional(breaks_easily("books.booked"));
  bring();
  bring();
  timed.run();
  EXPECT_TRUE(source.is_paused());
  sub.reset();
  timed.run();
  EXPECT_FALSE(source.is_paused());
  const auto next = breaks_easily("books.booked");
  bring();
  timed.run();
  EXPECT_TRUE(source.is_paused());
  inbound.reset();
  EXPECT_FALSE(source.is_paused());
  timed.advance(200ms);
}

// Claim:  a lane that fills beyond its high watermark pauses the source that fills it, until it is empty.
// Method: messages until the source is told; then the bus is polled.
TEST_F(Braked, FullLanePausesItsSource) {
  start();
  const auto sub = timed.bus.subscribe<Booked>({.overflow = Overflow::fail()}, [this](const Booked&) { ++calls; });
  std::uint64_t brought = 0;
  for (; !source.is_paused() && brought < 1000; ++brought) bring();
  EXPECT_TRUE(source.is_paused());
  EXPECT_EQ(inbound->counts().refused, 0U);
  timed.run();
  static_cast<void>(timed.bus.poll());
  EXPECT_FALSE(source.is_paused());
  EXPECT_EQ(calls, brought);
}

// Claim:  a source of relayed messages is paused by the breakers of whoever takes such messages.
// Method: a handler of relayed messages fails once.
TEST(SourceBridgeBrake, OpenBreakerPausesTheSource) {
  test::HandSource source;
  test::Timed timed;
  SourceBridge bridge(timed.bus, source);
  SubscribeOptions how;
  how.filter = "#";
  how.breaker = CircuitBreakerOptions{.failures_in_a_row = 1, .open_for = 100ms};
  const auto sub = timed.bus.subscribe<RelayedMessage>(how, [](const RelayedMessage&) { return retry("down"); });
  timed.bus.start();
  ASSERT_TRUE(bridge.start());
  static_cast<void>(source.hand_in("x"));
  timed.run();
  EXPECT_TRUE(source.is_paused());
  EXPECT_EQ(bridge.counts().pauses, 1U);
  timed.advance(101ms);
  EXPECT_FALSE(source.is_paused());
}

}  // namespace
}  // namespace headrace
