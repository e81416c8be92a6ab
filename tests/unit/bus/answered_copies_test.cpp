#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "bridge_world.hpp"
#include "durable_world.hpp"
#include "headrace/bus/inbound_events.hpp"
#include "inbound_world.hpp"
#include "timed.hpp"

namespace headrace {
namespace {

using namespace std::chrono_literals;
using test::Booked;
using test::HandSource;
using test::Timed;

std::string id_of(const RelayedMessage& event) { return event.relay->message().headers.front().second; }

/// Relayed messages of one id are the same.
SubscribeOptions once_an_id(WhenInProgress when_in_progress) {
  SubscribeOptions how;
  how.filter = "#";
  how.retry = RetryPolicy::fixed(10ms, 3);
  how.deduplicated = Deduplicated{.by = dedup_by<RelayedMessage>(id_of), .when_in_progress = when_in_progress};
  return how;
}

// Claim:  a relayed message that is a copy of one that was done is done: its broker need not bring it for ever.
// Method: a handler that answers; copies of its message afterwards, one at a time and two in a span.
TEST(AnsweredCopies, RelayedCopyOfWhatWasDoneIsDone) {
  HandSource source;
  Timed timed;
  SourceBridge bridge(timed.bus, source);
  int calls = 0;
  const auto sub =
      timed.bus.subscribe<RelayedMessage>(once_an_id(WhenInProgress::wait), [&](const RelayedMessage& event) {
        ++calls;
        event.relay->answer(Settlement::done);
      });
  timed.bus.start();
  ASSERT_TRUE(bridge.start());
  const std::size_t first = source.hand_in("x", "1");
  timed.run();
  ASSERT_EQ(source.settled(first), "done");
  const std::size_t copy = source.hand_in("x", "1");
  timed.run();
  EXPECT_EQ(source.settled(copy), "done");
  const std::size_t second = source.hand_in("x", "1");
  const std::size_t third = source.hand_in("x", "1");
  timed.run();
  EXPECT_EQ(source.settled(second), "done");
  EXPECT_EQ(source.settled(third), "done");
  EXPECT_EQ(calls, 1);
}

// Claim:  a copy of a message in progress says nothing before that one has its outcome, even where copies are dropped:
//         with the first's end it is done, or runs in its place.
// Method: a first that waits for its next try, and is then done, or given up; a copy while it waits.
TEST(AnsweredCopies, RelayedCopyWaitsForTheOutcome) {
  for (const bool ends_well : {true, false}) {
    HandSource source;
    Timed timed;
    SourceBridge bridge(timed.bus, source);
    int calls = 0;
    const auto sub =
        timed.bus.subscribe<RelayedMessage>(once_an_id(WhenInProgress::drop), [&](const RelayedMessage& event) {
          if (++calls == 1) return retry("not yet");
          if (calls == 2 && !ends_well) return dead_letter("never");
          event.relay->answer(Settlement::done);
          return done();
        });
    timed.bus.start();
    ASSERT_TRUE(bridge.start());
    const std::size_t first = source.hand_in("x", "1");
    timed.run();
    const std::size_t copy = source.hand_in("x", "1");
    timed.run();
    EXPECT_EQ(source.settled(copy), "open");
    EXPECT_EQ(calls, 1);
    timed.advance(11ms);
    EXPECT_EQ(source.settled(first), ends_well ? "done" : "retry");  // nobody has taken it
    timed.advance(11ms);
    EXPECT_EQ(source.settled(copy), "done");
    EXPECT_EQ(calls, ends_well ? 2 : 3);
  }
}

// Claim:  so does a copy of a typed event from a broker: as done it would be lost if the first one fails.
// Method: copies are dropped; the first is retried and then given up, without a store of dead letters; the copy runs.
TEST(AnsweredCopies, TypedCopyWaitsForTheOutcome) {
  HandSource source;
  Timed timed;
  const auto types = std::make_shared<EventTypes>(std::make_shared<test::LineCodec>());
  types->add<Booked>();
  InboundEvents inbound(timed.bus, source, types, test::inbound_event_of);
  inbound.topic<Booked>();
  SubscribeOptions how;
  how.retry = RetryPolicy::fixed(10ms, 3);
  how.deduplicated = Deduplicated{.when_in_progress = WhenInProgress::drop};
  int calls = 0;
  const auto sub = timed.bus.subscribe<Booked>(how, [&](const Booked&) {
    ++calls;
    return calls == 1 ? retry("not yet") : calls == 2 ? dead_letter("never") : done();
  });
  timed.bus.start();
  ASSERT_TRUE(inbound.start());
  Envelope envelope;
  envelope.id = EventId::make();
  const Message message = test::inbound_message_of(*encode_event(test::LineCodec(), Booked{1, 7}, envelope));
  static_cast<void>(source.hand_in(message));
  timed.run();
  const std::size_t copy = source.hand_in(message);
  timed.run();
  EXPECT_EQ(source.settled(copy), "open");
  timed.advance(11ms);
  timed.advance(11ms);
  EXPECT_EQ(source.settled(copy), "done");
  EXPECT_EQ(calls, 3);
}

// Claim:  a way out cannot be deduplicated: its handler is done when the sink has the message, not when its broker has
//         confirmed it, so that a copy of one that was refused would be taken for done. The error says what does it.
// Method: a bridge with such a subscription.
TEST(AnsweredCopies, WayOutIsNotDeduplicated) {
  Bus bus{{.workers = 0}};
  test::HandSink sink;
  SinkBridgeOptions options;
  options.subscription = once_an_id(WhenInProgress::wait);
  options.subscription.name = "out";
  std::string said;
  try {
    const SinkBridge bridge(bus, sink, options);
  } catch (const ConfigError& error) {
    said = error.what();
  }
  EXPECT_NE(said.find("'out'"), std::string::npos) << said;
  EXPECT_NE(said.find("SourceBridgeOptions::identity"), std::string::npos) << said;
}

}  // namespace
}  // namespace headrace
