#include "headrace/bus/inbound_events.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bridge_world.hpp"
#include "bytes_only_store.hpp"
#include "durable_world.hpp"
#include "headrace/bus/message_receipt.hpp"
#include "headrace/port/claim_check.hpp"
#include "inbound_world.hpp"
#include "unsteady_blob_store.hpp"

namespace headrace {
namespace {

using test::Booked;
using test::HandSource;
using test::inbound_event_of;
using test::inbound_message_of;
using test::LineCodec;
using test::Numbers;

/// A broker's messages on their way to typed handlers of a bus that the test polls.
struct Inbound : testing::Test {
  std::shared_ptr<MemoryDeadLetterStore> letters = std::make_shared<MemoryDeadLetterStore>();
  std::shared_ptr<EventTypes> types = [] {
    auto known = std::make_shared<EventTypes>(std::make_shared<LineCodec>());
    known->add<Booked>();
    return known;
  }();
  HandSource source;
  Bus bus{{.workers = 0}, {.dead_letters = letters, .event_types = types}};
  std::unique_ptr<InboundEvents> inbound;

  void start(InboundOptions options = {}) {
    bus.start();
    inbound = std::make_unique<InboundEvents>(bus, source, types, inbound_event_of, options);
    inbound->topic<Booked>();
    ASSERT_TRUE(inbound->start());
  }
  static Message booked(std::int64_t number, EventId id = EventId::make()) {
    Envelope envelope;
    envelope.id = id;
    return inbound_message_of(*encode_event(LineCodec(), Booked{1, number}, std::move(envelope)));
  }
};

// Claim:  a handler gets the event with its meta as from any publisher, and the message is done when all handlers are,
//         not before.
// Method: two groups; the message is looked at before and after they ran.
TEST_F(Inbound, MessageIsDoneWhenAllHandlersAre) {
  Numbers first;
  std::vector<std::string> ids;
  const auto one =
      bus.subscribe<Booked>({.group = "one"}, [&](const Booked& event) { first.push_back(event.number); });
  const auto two = bus.subscribe<Booked>(
      {.group = "two"}, [&](const Booked&, Context& context) { ids.push_back(context.meta()->id.to_string()); });
  start();
  const EventId id = EventId::make();
  const std::size_t message = source.hand_in(booked(7, id));
  EXPECT_EQ(source.settled(message), "open");
  bus.poll();
  EXPECT_EQ(source.settled(message), "done");
  EXPECT_EQ(first, Numbers{7});
  EXPECT_EQ(ids, std::vector<std::string>{id.to_string()});
  EXPECT_EQ(inbound->counts().published, 1U);
}

// Claim:  a copy of a message that was handled is answered as that was, done, without a handler's call.
// Method: a copy while the first one is under way, whose handler asks for another try, and one afterwards.
TEST_F(Inbound, CopiesAreAnsweredAsTheFirstOne) {
  int calls = 0;
  const auto handler =
      bus.subscribe<Booked>({.retry = immediate(2), .deduplicated = Deduplicated{}},
                            [&](const Booked&) -> Outcome { return ++calls == 1 ? retry() : done(); });
  start();
  const EventId id = EventId::make();
  const std::size_t first = source.hand_in(booked(1, id));
  const std::size_t copy = source.hand_in(booked(1, id));
  bus.poll(1);
  EXPECT_EQ(source.settled(copy), "open");
  while (source.settled(copy) == "open") bus.poll();
  EXPECT_EQ(source.settled(first), "done");
  EXPECT_EQ(source.settled(copy), "done");
  const std::size_t late = source.hand_in(booked(1, id));
  bus.poll();
  EXPECT_EQ(source.settled(late), "done");
  EXPECT_EQ(calls, 2);
}

// Claim:  a message is rejected whose event went to the dead letters, where the letter is kept as an event that asks no
//         broker any more; or done, as the option says.
// Method: a handler that gives up, with both options; the letter is redriven after its source has gone.
TEST_F(Inbound, DeadLetterAnswersAsTheOptionSays) {
  bool give_up = true;
  int handled = 0;
  const auto handler = bus.subscribe<Booked>({.name = "books"}, [&](const Booked&) -> Outcome {
    if (give_up) return dead_letter("no such account");
    ++handled;
    return done();
  });
  start();
  const std::size_t rejected = source.hand_in(booked(1));
  bus.poll();
  EXPECT_EQ(source.settled(rejected), "reject");

  inbound = nullptr;
  inbound = std::make_unique<InboundEvents>(bus, source, types, inbound_event_of,
                                            InboundOptions{.dead_lettered = Settlement::done});
  inbound->topic<Booked>();
  ASSERT_TRUE(inbound->start());
  const std::size_t kept = source.hand_in(booked(2));
  bus.poll();
  EXPECT_EQ(source.settled(kept), "done");

  inbound = nullptr;
  give_up = false;
  const auto run = bus.dead_letters().redrive(DeadLetterFilter{});
  while (bus.poll() > 0) {
  }
  EXPECT_EQ(handled, 2);
}

// Claim:  a message whose letter the store refuses for good is not taken for handled: its broker keeps it.
// Method: a store of bytes, and types that cannot make any.
TEST_F(Inbound, LettersThatAreRefusedStayWithTheBroker) {
  struct NoCodec final : Codec {
    std::string_view content_type() const noexcept override { return "text/x-none"; }
    Result<std::vector<std::byte>> encode(const FieldValue&) const override { return Error{"not this one", {}}; }
    Result<FieldValue> decode(std::span<const std::byte>) const override { return Error{"not this one", {}}; }
  };
  const auto mute = std::make_shared<EventTypes>(std::make_shared<NoCodec>());
  mute->add<Booked>();
  Bus other({.workers = 0}, {.dead_letters = std::make_shared<test::BytesOnlyStore>(), .event_types = mute});
  const auto handler = other.subscribe<Booked>([](const Booked&) -> Outcome { return dead_letter("no account"); });
  other.start();
  InboundEvents events(other, source, types, inbound_event_of);
  events.topic<Booked>();
  ASSERT_TRUE(events.start());
  const std::size_t message = source.hand_in(booked(1));
  other.poll();
  EXPECT_EQ(source.settled(message), "reject");
  EXPECT_EQ(other.snapshot().ledger.failed, 1U);
}

// Claim:  content that was checked in reaches the handler as if it had travelled; while the blob store is away its
//         message goes back to the broker, and a claim to nothing is rejected.
// Method: claims before the writer and after the reader; a store that is away, that is back, and that lost the blob.
TEST_F(Inbound, ClaimsAreResolvedOnTheWay) {
  const auto blobs = std::make_shared<test::UnsteadyBlobStore>();
  const ClaimCheck claims{blobs, {.others = {.travels_max = 1}}};
  const auto write =
      claims.before([](const EncodedEvent& event) -> Result<Message> { return inbound_message_of(event); });
  const Message travels = *write(*inbound_event_of(booked(7)));
  ASSERT_EQ(travels.content_type, ClaimCheck::kContentType);

  Numbers handled;
  const auto handler = bus.subscribe<Booked>([&](const Booked& event) { handled.push_back(event.number); });
  bus.start();
  inbound = std::make_unique<InboundEvents>(bus, source, types, claims.after(inbound_event_of),
                                            InboundOptions{.rest = {.cap = {}}});
  inbound->topic<Booked>();
  ASSERT_TRUE(inbound->start());
  const auto settled = [&] {
    const std::size_t message = source.hand_in(travels);
    bus.poll();
    return source.settled(message);
  };
  blobs->is_away = true;
  EXPECT_EQ(settled(), "retry");
  blobs->is_away = false;
  EXPECT_EQ(settled(), "done");
  ASSERT_TRUE(claims.discard(*inbound_event_of(travels)));
  EXPECT_EQ(settled(), "reject");
  EXPECT_EQ(handled, Numbers{7});
  EXPECT_EQ(inbound->counts().refused, 1U);
}

// Claim:  what was not handled goes back to the broker.
// Method: an event lies in a lane when its only subscription ends.
TEST_F(Inbound, WhatEndsUnhandledIsRetried) {
  std::optional<Subscription> handler = bus.subscribe<Booked>([](const Booked&) {});
  start();
  const std::size_t message = source.hand_in(booked(1));
  handler.reset();
  bus.poll();
  EXPECT_EQ(source.settled(message), "retry");
}

// Claim:  bytes that are no event, a damaged body, a newer version, and a topic that nobody knows or wants are
//         answered at once and counted; nothing of them reaches a handler.
// Method: a message of each.
TEST_F(Inbound, BadMessagesAreRejectedAndCounted) {
  int handled = 0;
  start();
  const auto settled = [&](Message message) { return source.settled(source.hand_in(std::move(message))); };
  EXPECT_EQ(settled(booked(1)), "reject") << "nobody subscribes";
  const auto handler = bus.subscribe<Booked>([&](const Booked&) { ++handled; });
  Message empty;
  empty.topic = "books.booked";
  EXPECT_EQ(settled(empty), "reject");
  Message damaged = booked(1);
  damaged.body.resize(damaged.body.size() / 2);
  EXPECT_EQ(settled(damaged), "reject");
  Message newer = booked(1);
  newer.headers[1].second = "2";
  EXPECT_EQ(settled(newer), "reject");
  Message unknown = booked(1);
  unknown.topic = "books.closed";
  EXPECT_EQ(settled(unknown), "reject");
  bus.poll();
  EXPECT_EQ(handled, 0);
  const auto counts = inbound->counts();
  EXPECT_EQ(counts.received, 5U);
  EXPECT_EQ(counts.dead_lettered, 3U);
  EXPECT_EQ(counts.rejected, 0U);
  EXPECT_EQ(counts.unrouted, 2U);
  EXPECT_EQ(counts.published, 0U);
}

// Claim:  what the bus refuses goes back to the broker.
// Method: a lane that is full and whose group fails.
TEST_F(Inbound, RefusedByTheBusIsRetried) {
  Bus small({.workers = 0, .lane_bytes = 4096});
  const auto handler = small.subscribe<Booked>({.overflow = Overflow::fail()}, [](const Booked&) {});
  small.start();
  InboundEvents events(small, source, types, inbound_event_of, {.rest = {.cap = {}}});
  events.topic<Booked>();
  ASSERT_TRUE(events.start());
  std::size_t retried = 0;
  for (int i = 0; i < 1000; ++i) retried += source.settled(source.hand_in(booked(i))) == "retry" ? 1 : 0;
  EXPECT_GT(retried, 0U);
  EXPECT_EQ(events.counts().refused, retried);
  while (small.poll() > 0) {
  }
  EXPECT_EQ(events.counts().published, 1000 - retried);
}

// Claim:  what cannot be honoured is refused at start-up.
// Method: each of them.
TEST_F(Inbound, RefusesWhatItCannotHonour) {
  EXPECT_THROW(InboundEvents(bus, source, nullptr, inbound_event_of), ConfigError);
  EXPECT_THROW(InboundEvents(bus, source, types, nullptr), ConfigError);
  InboundEvents unknown(bus, source, std::make_shared<EventTypes>(std::make_shared<LineCodec>()),
                        inbound_event_of);
  EXPECT_THROW(unknown.topic<Booked>(), ConfigError);
  start();
  EXPECT_THROW(inbound->topic<Booked>("late"), ConfigError);
}

}  // namespace
}  // namespace headrace
