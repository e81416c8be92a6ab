#include <gtest/gtest.h>

#include "bridge_world.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"

namespace headrace {
namespace {

using test::HandSink;
using test::HandSource;

const Error kNever{"refused", "", Error::Retry::no};
const Error kLater{"refused", "", Error::Retry::maybe};

/// A source, a bus that the test polls, and two sinks.
struct Bridges : testing::Test {
  HandSource from;
  HandSink to;
  HandSink also_to;
  Bus bus{{.workers = 0}};
  std::unique_ptr<SourceBridge> source;

  void start(SourceBridgeOptions options = {}) {
    bus.start();
    source = std::make_unique<SourceBridge>(bus, from, std::move(options));
    ASSERT_TRUE(source->start());
  }
  std::unique_ptr<SinkBridge> way(HandSink& sink, std::string_view filter, std::string_view group) {
    SinkBridgeOptions options;
    options.subscription.filter = filter;
    options.subscription.group = options.subscription.name = group;
    options.rest.cap = std::chrono::milliseconds(0);
    return std::make_unique<SinkBridge>(bus, sink, std::move(options));
  }
};

// Claim:  a message is settled when every broker that it goes to has confirmed it, and not before.
// Method: one message to two sinks; it is looked at after each step.
TEST_F(Bridges, MessageIsDoneWhenAllWaysHaveConfirmedIt) {
  const auto first = way(to, "orders.*", "first");
  const auto second = way(also_to, "#", "second");
  start();
  const std::size_t number = from.hand_in("orders.placed");
  EXPECT_EQ(from.settled(number), "open");
  bus.poll();
  ASSERT_EQ(to.waiting() + also_to.waiting(), 2U);
  EXPECT_EQ(to.confirm(Nothing{}), "orders.placed");
  EXPECT_EQ(from.settled(number), "open");
  also_to.confirm(Nothing{});
  EXPECT_EQ(from.settled(number), "done");
  EXPECT_EQ(first->counts().confirmed, 1U);
  EXPECT_EQ(source->counts().published, 1U);
}

// Claim:  the worst answer of all ways is the message's.
// Method: each pair of answers of two sinks.
TEST_F(Bridges, WorstAnswerCounts) {
  const auto first = way(to, "#", "first");
  const auto second = way(also_to, "#", "second");
  start();
  const std::vector<std::pair<std::string, Status>> answers{
      {"done", Nothing{}}, {"reject", kNever}, {"retry", kLater}};
  for (std::size_t a = 0; a < answers.size(); ++a) {
    for (std::size_t b = 0; b < answers.size(); ++b) {
      const std::size_t number = from.hand_in("x");
      bus.poll();
      to.confirm(answers[a].second);
      also_to.confirm(answers[b].second);
      EXPECT_EQ(from.settled(number), answers[std::max(a, b)].first) << a << " " << b;
    }
  }
}

// Claim:  what a broker delivered again says so at the next, where a message can; a source takes the mark off.
// Method: a new message and an old one to a sink that has headers, and to one that has not.
TEST_F(Bridges, WhatWasDeliveredAgainIsMarked) {
  to.can.headers = to.can.redelivery_flag = true;
  const auto first = way(to, "#", "first");
  const auto second = way(also_to, "#", "second");
  start();
  for (const bool again : {false, true}) {
    Message message;
    message.topic = "x";
    from.hand_in(std::move(message), again);
    bus.poll();
    Message marked = to.next();
    EXPECT_EQ(take_again_header(marked), again);
    EXPECT_TRUE(marked.headers.empty());
    EXPECT_TRUE(also_to.next().headers.empty());
    to.confirm(Nothing{});
    also_to.confirm(Nothing{});
  }
}

// Claim:  a way that changes messages changes its own copies, before its conditions look at them; one that it cannot
//         change is rejected. It is idle when its sink has answered all that it took.
// Method: two ways of one message, of which one changes the key; a message that it cannot change.
TEST_F(Bridges, WaysChangeTheirOwnCopies) {
  SinkBridgeOptions changing;
  changing.subscription.group = "first";
  changing.subscription.filter = "#";
  changing.change = [](Message& message) {
    message.key += "changed";
    return message.topic == "x" ? Status(Nothing{}) : Status(kNever);
  };
  changing.accepts = [](std::string_view, const Message& message) { return message.key == "changed"; };
  SinkBridge first(bus, to, std::move(changing));
  const auto second = way(also_to, "#", "second");
  start();
  const std::size_t fine = from.hand_in("x");
  const std::size_t wrong = from.hand_in("y");
  EXPECT_TRUE(first.is_idle());
  bus.poll();
  EXPECT_FALSE(first.is_idle());
  EXPECT_EQ(to.next().key, "changed");
  EXPECT_EQ(also_to.next().key, "");
  first.close();
  to.confirm(Nothing{});
  EXPECT_TRUE(first.is_idle());
  also_to.confirm(Nothing{});
  also_to.confirm(Nothing{});
  EXPECT_EQ(from.settled(fine), "done");
  EXPECT_EQ(from.settled(wrong), "reject");
}

// Claim:  why a message was rejected on its way out reaches the broker that it came from, and copies of it; of several
//         reasons the first.
// Method: each thing that can reject a message, with a copy; then two brokers that refuse it.
TEST_F(Bridges, ReasonsOfRejectionsReachTheSource) {
  SinkBridgeOptions way_out;
  way_out.subscription.filter = "#";
  way_out.change = [](Message& message) {
    return message.topic == "change" ? Status(Error{"no row", ""}) : Nothing{};
  };
  way_out.accepts = [](std::string_view topic, const Message&) {
    return topic == "accepts" ? Result<bool>(Error{"no JSON", ""}) : true;
  };
  way_out.topic = [](std::string_view topic) {
    return topic == "topic" ? Result<std::string>(Error{"no way out", ""}) : std::string(topic);
  };
  SinkBridge only(bus, to, std::move(way_out));
  const auto refusing = way(also_to, "broker", "refusing");
  SourceBridgeOptions options;
  options.identity = [](const Message& message) { return message.headers.front().second; };
  start(std::move(options));
  for (const auto& [topic, reason] :
       {std::pair{"change", "no row"}, std::pair{"accepts", "no JSON"}, std::pair{"topic", "no way out"}}) {
    const std::size_t number = from.hand_in(topic, topic);
    const std::size_t copy = from.hand_in(topic, topic);
    bus.poll();
    EXPECT_EQ(from.reason(number), reason);
    EXPECT_EQ(from.reason(copy), reason);
  }
  to.answer_sends_with(SendResult::too_large);
  const std::size_t large = from.hand_in("large");
  bus.poll();
  EXPECT_EQ(from.reason(large), "hand: the message is too large");
  to.answer_sends_with(SendResult::taken);
  const std::size_t refused = from.hand_in("broker");
  bus.poll();
  also_to.confirm(kNever);
  to.confirm(Error{"also refused", "", Error::Retry::no});
  EXPECT_EQ(from.reason(refused), "refused");
  EXPECT_EQ(only.counts().rejected, 5U);
}

// Claim:  what cannot go out goes back: for good when it never can, to come again otherwise.
// Method: a sink that is full, closed, or takes none so large; a topic that the bus cannot have; one that nobody
//         wants.
TEST_F(Bridges, WhatCannotGoOutGoesBack) {
  const auto only = way(to, "x", "only");
  start();
  const std::pair<SendResult, std::string> table[] = {
      {SendResult::full, "retry"}, {SendResult::closed, "retry"}, {SendResult::too_large, "reject"}};
  for (const auto& [answer, settled] : table) {
    to.answer_sends_with(answer);
    const std::size_t number = from.hand_in("x");
    bus.poll();
    EXPECT_EQ(from.settled(number), settled) << to_string(answer);
  }
  EXPECT_EQ(from.settled(from.hand_in("a.#")), "reject");
  EXPECT_EQ(from.settled(from.hand_in("nobody")), "reject");
  EXPECT_EQ(source->counts().unrouted, 1U);
  EXPECT_EQ(source->counts().rejected, 1U);
}

// Claim:  what the bus gives up at its end is not acknowledged.
// Method: a bus that is stopped before it was polled, and a message that comes afterwards.
TEST_F(Bridges, WhatTheBusGaveUpIsRetried) {
  const auto only = way(to, "#", "only");
  start();
  const std::size_t before = from.hand_in("x");
  static_cast<void>(bus.stop(std::chrono::nanoseconds(0)));
  const std::size_t after = from.hand_in("x");
  while (to.waiting() > 0) to.confirm(kLater);  // a stop may still have drained it
  EXPECT_EQ(from.settled(before), "retry");
  EXPECT_EQ(from.settled(after), "retry");
}

// Claim:  a way whose worker finds it ended is not overruled by one that confirmed: the message comes again.
// Method: two ways on two workers; one goes with the message in its lane, the other's broker confirms.
TEST_F(Bridges, WayThatEndsUnheardIsNotOverruled) {
  Bus two({.workers = 0, .polled_workers = 2});
  const auto way_on = [&](HandSink& sink, int worker) {
    return std::make_unique<SinkBridge>(
        two, sink, SinkBridgeOptions{.subscription = {.filter = "#", .worker = worker}, .rest = {.cap = {}}});
  };
  const auto first = way_on(to, 0);
  auto second = way_on(also_to, 1);
  two.start();
  SourceBridge into(two, from);
  ASSERT_TRUE(into.start());
  const std::size_t number = from.hand_in("x");
  second.reset();
  two.poll();
  to.confirm(Nothing{});
  EXPECT_EQ(from.settled(number), "retry");
}

// Claim:  a message whose place a dead letter has taken is not held by it: it is rejected at once. The letter has the
//         message, and is redriven without the broker.
// Method: a handler that gives up the first time; a store in memory, and a redrive.
TEST_F(Bridges, DeadLetterLetsGoOfTheMessage) {
  const auto letters = std::make_shared<MemoryDeadLetterStore>();
  std::vector<std::string> topics;
  const auto handler = bus.subscribe<RelayedMessage>(
      {.filter = "#", .name = "own", .dead_letters = letters}, [&](const RelayedMessage& event) {
        topics.push_back(event.relay->message().topic);
        event.relay->answer(Settlement::done);
        return topics.size() == 1 ? Outcome::dead_letter("no") : Outcome::done();
      });
  start();
  const std::size_t number = from.hand_in("x");
  bus.poll();
  EXPECT_EQ(from.settled(number), "reject");
  EXPECT_EQ(letters->counts()->stored, 1U);
  const auto run = bus.dead_letters(letters).redrive(DeadLetterFilter{});
  while (!run->report().finished) bus.poll();
  EXPECT_EQ(topics, (std::vector<std::string>{"x", "x"}));
  EXPECT_EQ(letters->counts()->stored, 0U);
}

// Claim:  a bridge that goes has stopped the source that it started, and no other.
// Method: both, without a stop().
TEST_F(Bridges, GoingStopsTheSource) {
  start();
  EXPECT_TRUE(from.is_started());
  { const SourceBridge idle(bus, from); }
  EXPECT_TRUE(from.is_started());
  source.reset();
  EXPECT_FALSE(from.is_started());
}

// Claim:  a copy of a message that is done is done at once; a copy of one on its way waits for the same answer,
//         and is not sent a second time; one that failed may come again.
// Method: copies at each moment; a window of two, so that the oldest is forgotten.
TEST_F(Bridges, CopiesAreToldApart) {
  const auto only = way(to, "#", "only");
  SourceBridgeOptions options;
  options.identity = [](const Message& message) { return message.headers.front().second; };
  options.identities_max = 2;
  start(std::move(options));
  const std::size_t first = from.hand_in("x", "1");
  const std::size_t copy = from.hand_in("x", "1");
  bus.poll();
  ASSERT_EQ(to.waiting(), 1U);
  EXPECT_EQ(from.settled(copy), "open");
  to.confirm(kLater);
  EXPECT_EQ(from.settled(first), "retry");
  EXPECT_EQ(from.settled(copy), "retry");

  for (const std::string_view id : {"1", "2", "3"}) {
    const std::size_t number = from.hand_in("x", id);
    bus.poll();
    to.confirm(Nothing{});
    EXPECT_EQ(from.settled(number), "done");
  }
  EXPECT_EQ(from.settled(from.hand_in("x", "3")), "done");
  EXPECT_EQ(from.settled(from.hand_in("x", "2")), "done");
  const std::size_t forgotten = from.hand_in("x", "1");
  bus.poll();
  EXPECT_EQ(from.settled(forgotten), "open");
  to.confirm(Nothing{});
  EXPECT_EQ(source->counts().copies, 3U);
  for (int i = 0; i < 2; ++i) {
    const std::size_t without = from.hand_in("x");  // no identity: every one is another
    bus.poll();
    to.confirm(Nothing{});
    EXPECT_EQ(from.settled(without), "done");
  }
}

// Claim:  a message that its broker delivers again as soon as it is told to retry goes out: it is not taken for a
//         copy of the one that has just failed.
// Method: a source that does so inside settle().
TEST_F(Bridges, RedeliveryAtOnceIsNoCopy) {
  const auto only = way(to, "#", "only");
  SourceBridgeOptions options;
  options.identity = [](const Message& message) { return message.headers.front().second; };
  start(std::move(options));
  const std::size_t first = from.hand_in("x", "1");
  bus.poll();
  from.deliver_again("x", "1");
  to.confirm(kLater);
  EXPECT_EQ(from.settled(first), "retry");
  bus.poll();
  ASSERT_EQ(to.waiting(), 1U);
  to.confirm(Nothing{});
  EXPECT_EQ(from.settled(first + 1), "done");
  EXPECT_EQ(source->counts().copies, 0U);
}

// Claim:  topics are mapped on the way in and on the way out, and what a way does not accept is done for it.
// Method: a mapping each; a mapping that fails each; a condition.
TEST_F(Bridges, TopicsAreMappedAndMessagesChosen) {
  SinkBridgeOptions options;
  options.subscription.filter = "in.#";
  options.topic = [](std::string_view topic) -> Result<std::string> {
    if (topic == "in.dark") return Error{"no way out", ""};
    return "out/" + std::string(topic);
  };
  options.accepts = [](std::string_view topic, const Message&) { return topic != "in.unwanted"; };
  const SinkBridge only(bus, to, std::move(options));
  SourceBridgeOptions mapping;
  mapping.topic = [](const Message& message) -> Result<std::string> {
    if (message.topic == "lost") return Error{"no way in", ""};
    return "in." + message.topic;
  };
  start(std::move(mapping));
  const std::size_t good = from.hand_in("a");
  const std::size_t lost = from.hand_in("lost");
  const std::size_t dark = from.hand_in("dark");
  const std::size_t unwanted = from.hand_in("unwanted");
  bus.poll();
  ASSERT_EQ(to.waiting(), 1U);
  EXPECT_EQ(to.confirm(Nothing{}), "out/in.a");
  EXPECT_EQ(from.settled(good), "done");
  EXPECT_EQ(from.settled(lost), "reject");
  EXPECT_EQ(from.settled(dark), "reject");
  EXPECT_EQ(from.settled(unwanted), "done");
  EXPECT_EQ(only.counts().filtered, 1U);
}

}  // namespace
}  // namespace headrace
