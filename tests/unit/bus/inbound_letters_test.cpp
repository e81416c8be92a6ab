#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bridge_world.hpp"
#include "bytes_only_store.hpp"
#include "headrace/bus/inbound_events.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "inbound_world.hpp"
#include "line_codec.hpp"
#include "timed.hpp"

// What comes in and is no event of this program: dead letters with their bytes, and how they become events later.

namespace headrace {
namespace {

using namespace std::chrono_literals;
using test::HandSource;
using test::inbound_event_of;
using test::LineCodec;

/// One topic as three releases of a program knew it.
namespace parcels1 {
struct Parcel {
  std::uint64_t number = 0;
};
HEADRACE_EVENT(Parcel, "parcels.sent", version(1), key(number), number)
}  // namespace parcels1
namespace parcels2 {
struct Parcel {
  std::uint64_t number = 0;
  std::uint64_t pounds = 0;
};
HEADRACE_EVENT(Parcel, "parcels.sent", version(2), key(number), number, pounds)
}  // namespace parcels2
namespace parcels3 {
struct Parcel {
  std::uint64_t number = 0;
  std::uint64_t grams = 0;
};
HEADRACE_EVENT(Parcel, "parcels.sent", version(3), key(number), number, grams)

Upcasters upcasters() {
  Upcasters steps;
  steps.add("parcels.sent", 2, [](FieldValue& fields) -> Status {
    const auto pounds = fields.find("pounds")->integer<std::uint64_t>();
    fields.set("grams", *pounds * 454);
    fields.remove("pounds");
    return Nothing{};
  });
  return steps;
}
}  // namespace parcels3

template <class T>
Message parcel(const T& event, EventId id = EventId::make()) {
  Envelope envelope;
  envelope.id = id;
  return test::inbound_message_of(*encode_event(LineCodec(), event, std::move(envelope)));
}

/// A release of the program: it knows T, and has the letters of the one before.
template <class T>
struct Release {
  explicit Release(std::shared_ptr<DeadLetterStore> letters, InboundOptions options = {}, Upcasters upcasters = {})
      : store(std::move(letters)),
        types(known(std::move(upcasters))),
        timed({.dead_letters = store, .event_types = types}) {
    inbound.emplace(timed.bus, source, types, inbound_event_of, std::move(options));
    inbound->template topic<T>();
    EXPECT_TRUE(inbound->start());
  }
  static std::shared_ptr<EventTypes> known(Upcasters upcasters) {
    auto all = std::make_shared<EventTypes>(std::make_shared<LineCodec>(), std::move(upcasters));
    all->add<T>();
    return all;
  }
  std::string settled(Message message) { return source.settled(source.hand_in(std::move(message))); }
  std::vector<DeadLetter> letters() { return *store->list({}); }
  std::shared_ptr<Redrive> redrive() {
    auto run = timed.bus.dead_letters().redrive(DeadLetterFilter{});
    timed.advance(10ms);
    return run;
  }

  std::shared_ptr<DeadLetterStore> store;
  std::shared_ptr<EventTypes> types;
  HandSource source;
  test::Timed timed;
  std::optional<InboundEvents> inbound;
};

using First = Release<parcels1::Parcel>;
using Third = Release<parcels3::Parcel>;

// Claim:  every kind of bad message becomes a dead letter with its bytes, class and reason before its broker hears of it,
//         and whoever asked to is told.
// Method: a message without an envelope, a damaged one, a newer one and a large one; the letters are compared.
TEST(InboundLetters, KeepBytesClassAndReason) {
  std::vector<std::string> told;
  First program(std::make_shared<test::BytesOnlyStore>(),
                {.dead_lettered = Settlement::done,
                 .sizes = {.topics = {{"parcels.sent", {.bytes_max = 30}}}},
                 .on_bad_message = [&](const BadMessage& bad) {
                   told.push_back(std::string(to_string(bad.failure)) + (bad.is_kept ? " kept " : " lost ") +
                                  std::string(bad.reason));
                 }});
  const auto handler = program.timed.bus.subscribe<parcels1::Parcel>([](const parcels1::Parcel&) { FAIL(); });
  Message bare;
  bare.topic = "parcels/raw";
  bare.headers = {{"who", "knows"}};
  bare.body = {std::byte{0xff}, std::byte{0}};
  EXPECT_EQ(program.settled(bare), "done");
  Message damaged = parcel(parcels1::Parcel{7});
  damaged.body.resize(3);
  EXPECT_EQ(program.settled(damaged), "done");
  const EventId id = EventId::make();
  const Message newer = parcel(parcels2::Parcel{7, 2}, id);
  EXPECT_EQ(program.settled(newer), "done");
  Message large = parcel(parcels1::Parcel{7});
  large.body.resize(31);
  EXPECT_EQ(program.settled(large), "done");

  const auto letters = program.letters();
  ASSERT_EQ(letters.size(), 4U);
  EXPECT_EQ(letters[0].failure, FailureClass::undecodable);
  EXPECT_EQ(letters[0].envelope.topic, "parcels/raw");
  EXPECT_EQ(letters[0].envelope.headers, bare.headers);
  EXPECT_EQ(letters[0].body->bytes, bare.body);
  EXPECT_EQ(letters[1].failure, FailureClass::undecodable);
  EXPECT_EQ(letters[1].body->bytes, damaged.body);
  EXPECT_EQ(letters[2].failure, FailureClass::version_unknown);
  EXPECT_EQ(letters[2].reason, "parcels.sent: version 2 is newer than 1, the newest known here");
  EXPECT_EQ(letters[2].envelope.id, id);
  EXPECT_EQ(letters[2].envelope.version, 2U);
  EXPECT_EQ(letters[2].type, "parcels.sent");
  EXPECT_EQ(letters[2].subscription, "inbound events");
  EXPECT_EQ(letters[2].body->content_type, newer.content_type);
  EXPECT_EQ(letters[2].body->bytes, newer.body);
  EXPECT_EQ(letters[3].failure, FailureClass::too_large);
  EXPECT_EQ(told, (std::vector<std::string>{"undecodable kept no event", "undecodable kept " + letters[1].reason,
                                            "version_unknown kept " + letters[2].reason,
                                            "too_large kept parcels.sent: 31 bytes are over the limit of 30"}));
  EXPECT_EQ(program.inbound->counts().dead_lettered, 4U);
}

// Claim:  a bad message whose letter the store has no room for goes back to its broker; one that nobody keeps is rejected,
//         and whoever asked to is told why.
// Method: a store of one letter, a bus without a store, and a store that refuses for good.
TEST(InboundLetters, MessageIsSettledOnlyWhenItsLetterIsKept) {
  std::vector<std::string> told;
  const InboundOptions options{
      .dead_lettered = Settlement::done, .rest = {.cap = {}}, .on_bad_message = [&](const BadMessage& bad) {
        told.push_back((bad.is_kept ? "kept " : "lost ") + std::string(bad.reason));
      }};
  const Message newer = parcel(parcels2::Parcel{7, 2});
  {
    First program(std::make_shared<MemoryDeadLetterStore>(MemoryDeadLetterOptions{.letters_max = 1}), options);
    const auto handler = program.timed.bus.subscribe<parcels1::Parcel>([](const parcels1::Parcel&) {});
    EXPECT_EQ(program.settled(newer), "done");
    EXPECT_EQ(program.settled(newer), "done") << "a copy takes its own letter's place";
    EXPECT_EQ(program.settled(parcel(parcels2::Parcel{8, 2})), "retry");
    EXPECT_EQ(program.letters().size(), 1U);
    EXPECT_EQ(program.inbound->counts().refused, 1U);
    EXPECT_EQ(told.size(), 2U);
  }
  {
    told.clear();
    First program(nullptr, options);
    EXPECT_EQ(program.settled(newer), "reject");
    EXPECT_EQ(program.inbound->counts().rejected, 1U);
  }
  struct Refuses final : test::BytesOnlyStore {
    Result<Added> add(std::span<DeadLetter>) override { return Error{"read only", "letters"}; }
  };
  First program(std::make_shared<Refuses>(), options);
  EXPECT_EQ(program.settled(newer), "reject");
  const std::string newer_reason = "lost parcels.sent: version 2 is newer than 1, the newest known here";
  EXPECT_EQ(told, (std::vector<std::string>{
                      newer_reason, newer_reason + "; the store of dead letters refuses it: letters: read only"}));
}

// Claim:  an event that was too new is handled by every group once the program knows its version, through the upcasters,
//         with its id; its letter stays until then.
// Method: version 2 comes to a program of version 1 and is redriven there, then by the program of version 3, where one
//         group is not done with it for an hour.
TEST(InboundLetters, AreEventsOnceTheirVersionIsKnown) {
  const auto store = std::make_shared<test::BytesOnlyStore>();
  const EventId id = EventId::make();
  {
    First program(store);
    EXPECT_EQ(program.settled(parcel(parcels2::Parcel{7, 2}, id)), "reject");
    const auto run = program.redrive();
    EXPECT_EQ(run->report().skipped, 1U);
    EXPECT_NE(run->report().why_skipped.find("version 2 is newer"), std::string::npos)
        << run->report().why_skipped;
  }
  Third program(store, {}, parcels3::upcasters());
  std::vector<std::uint64_t> grams;
  std::vector<EventId> ids;
  const auto quick = program.timed.bus.subscribe<parcels3::Parcel>(
      {.name = "quick"}, [&](const parcels3::Parcel& event) { grams.push_back(event.grams); });
  const auto slow = program.timed.bus.subscribe<parcels3::Parcel>(
      {.name = "slow", .retry = fixed(1h, 2)}, [&](const parcels3::Parcel&, Context& context) {
        ids.push_back(context.meta()->id);
        return context.attempt() == 1 ? retry() : done();
      });
  const auto run = program.redrive();
  EXPECT_EQ(grams, std::vector<std::uint64_t>{908});
  EXPECT_EQ(ids, std::vector<EventId>{id});
  program.timed.advance(10min);
  EXPECT_FALSE(run->report().finished);
  EXPECT_EQ(program.letters().size(), 1U);
  program.timed.advance(50min);
  program.timed.advance(1s);
  EXPECT_TRUE(run->report().finished);
  EXPECT_EQ(run->report().handled, 1U);
  EXPECT_EQ(grams.size(), 1U) << "published once";
  EXPECT_TRUE(program.letters().empty());
}

// Claim:  a letter whose event ended without a handler, or that nobody subscribes to, stays.
// Method: redriven with no subscription, then with one that ends while the event lies in its lane.
TEST(InboundLetters, StayWhileNobodyHasHandledThem) {
  const auto store = std::make_shared<test::BytesOnlyStore>();
  {
    First program(store);
    EXPECT_EQ(program.settled(parcel(parcels2::Parcel{7, 2})), "reject");
  }
  Third program(store, {}, parcels3::upcasters());
  EXPECT_EQ(program.redrive()->report().returned, 1U);
  ASSERT_EQ(program.letters().size(), 1U);
  EXPECT_EQ(program.letters()[0].reason, "unrouted");

  std::optional<Subscription> waits = program.timed.bus.subscribe<parcels3::Parcel>(
      {.retry = fixed(1h, 2)}, [](const parcels3::Parcel&) { return retry(); });
  const auto run = program.redrive();
  EXPECT_FALSE(run->report().finished);
  waits.reset();
  program.timed.advance(1s);
  program.timed.advance(1s);
  EXPECT_EQ(run->report().returned, 1U);
  EXPECT_EQ(program.letters().size(), 1U);
}

}  // namespace
}  // namespace headrace
