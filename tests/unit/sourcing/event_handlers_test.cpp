#include "headrace/sourcing/event_handlers.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "headrace/sourcing/aggregate.hpp"
#include "headrace/sourcing/memory_checkpoint_store.hpp"
#include "headrace/sourcing/memory_event_store.hpp"
#include "headrace/sourcing/projection.hpp"
#include "line_codec.hpp"
#include "stored_events.hpp"

namespace headrace::test {
namespace {

constexpr std::chrono::hours kVeryLong{1};

/// Version 1 had euros, version 2 has cents.
struct Sold {
  std::string article;
  std::int64_t cents = 0;
};
HEADRACE_EVENT(Sold, "shop.sold", version(2), key(article), article, cents)

struct Returned {
  std::int64_t cents = 0;
};
HEADRACE_EVENT(Returned, "shop.returned", cents)

struct Till {
  std::int64_t cents = 0;
};

Upcasters steps_to_cents() {
  Upcasters steps;
  steps.add("shop.sold", 1, [](FieldValue& fields) -> Status {
    fields.set("cents", *fields.find("euros")->integer<std::int64_t>() * 100);
    return Nothing{};
  });
  return steps;
}

/// A store with events of all times.
struct TypedEventsTest : testing::Test {
  std::shared_ptr<EventTypes> types = [] {
    auto known = std::make_shared<EventTypes>(std::make_shared<LineCodec>(), steps_to_cents());
    known->add<Sold>();
    known->add<Returned>();
    return known;
  }();
  MemoryEventStore store;
  MemoryCheckpointStore checkpoints;

  EventPosition append(const char* topic, std::uint32_t version, std::string_view lines) {
    EncodedEvent event = event_of(topic, lines);
    event.envelope.version = version;
    event.content_type = "text/x-lines";
    return store.append(AppendRequest::to("till", ExpectedVersion::any(), {event}))->last;
  }
  AggregateKind<Till> tills() const {
    AggregateKind<Till> kind;
    kind.fold = EventHandlers<Till&>(types)
                    .on<Sold>([](Till& till, const Sold& sold) { till.cents += sold.cents; })
                    .on<Returned>([](Till& till, const Returned& back, const StoredEvent& stored) -> Status {
                      if (stored.version == 1) return Error{"nothing was sold", {}};
                      till.cents -= back.cents;
                      return Nothing{};
                    });
    return kind;
  }
};

// Claim:  an aggregate folds typed events; old ones come through the upcasters, topics without a handler are left aside.
// Method: one event of each version, one of another type and one of another topic; then a decision on their state.
TEST_F(TypedEventsTest, AggregateFoldsOldVersions) {
  append("shop.sold", 1, "article:lamp\neuros=5\n");
  append("shop.sold", 2, "article:lamp\ncents=250\n");
  append("shop.opened", 7, "whatever");
  append("shop.returned", 1, "cents=50\n");
  Aggregate<Till> aggregate(store, tills());
  EXPECT_EQ(aggregate.load("till")->state.cents, 700);
  const auto sold = aggregate.execute("till", [&](const Till&) -> Result<std::vector<EncodedEvent>> {
    Result<EncodedEvent> event = types->encode(Sold{"cup", 1});
    if (!event) return event.error();
    return std::vector{std::move(*event)};
  });
  ASSERT_TRUE(sold);
  EXPECT_EQ(sold->state.cents, 701);
  EXPECT_EQ(read_stream(store, {.stream = "till"}).back().event.envelope.version, 2U);
}

// Claim:  an event of a newer version than known is an error that names it and says where it stands; neither a load nor
//         a decision goes on without it. So is a body that is damaged.
// Method: one each behind a good event.
TEST_F(TypedEventsTest, AggregateNamesWhatItCannotRead) {
  append("shop.sold", 2, "article:lamp\ncents=250\n");
  append("shop.sold", 3, "article:lamp\nprice:2.50 EUR\n");
  Aggregate<Till> aggregate(store, tills());
  const auto loaded = aggregate.load("till");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message(),
            "position 2, till@2, shop.sold: version 3 is newer than 2, the newest known here");
  bool decided = false;
  EXPECT_FALSE(aggregate.execute("till", [&](const Till&) -> Result<std::vector<EncodedEvent>> {
    decided = true;
    return std::vector<EncodedEvent>{};
  }));
  EXPECT_FALSE(decided);

  ASSERT_TRUE(store.append(AppendRequest::to("other", ExpectedVersion::none(), {[] {
                                               EncodedEvent damaged = event_of("shop.sold", "cents=");
                                               damaged.envelope.version = 2;
                                               damaged.content_type = "text/x-lines";
                                               return damaged;
                                             }()})));
  EXPECT_NE(aggregate.load("other").error().message().find("other@1, shop.sold: "), std::string::npos)
      << aggregate.load("other").error().message();
}

// Claim:  a projection gets old events by the upcasters; at one of a newer version it stops alone and says where, and a
//         program that knows the version goes on from there.
// Method: beside it one that does not want that type; then the types of a later release.
TEST_F(TypedEventsTest, ProjectionStopsAtANewerVersionAlone) {
  std::vector<std::int64_t> sold;
  EventHandlers<> sales(types);
  sales.on<Sold>([&](const Sold& event) { sold.push_back(event.cents); });
  std::int64_t returned = 0;
  EventHandlers<> returns(types);
  returns.on<Returned>([&](const Returned& event) { returned += event.cents; });

  append("shop.sold", 1, "article:lamp\neuros=5\n");
  append("shop.sold", 2, "article:lamp\ncents=250\n");
  append("shop.sold", 3, "article:lamp\nprice=777\n");
  const EventPosition last = append("shop.returned", 1, "cents=50\n");
  {
    Projection other(store, {.name = "returns", .query = returns.query()},
                     checkpoint_after(checkpoints, "returns", returns));
    Projection stops(store, {.name = "sales", .query = sales.query()},
                     checkpoint_after(checkpoints, "sales", sales));
    ASSERT_TRUE(other.wait_for(last, kVeryLong));
    EXPECT_FALSE(stops.wait_for(last, kVeryLong));
    EXPECT_EQ(stops.status().error->message(),
              "projection sales, position 3, till@3, shop.sold: version 3 is newer than 2, the newest known "
              "here");
  }
  EXPECT_EQ(sold, (std::vector<std::int64_t>{500, 250}));
  EXPECT_EQ(returned, 50);

  Projection upgraded(store, {.name = "sales", .query = sales.query()},
                      checkpoint_after(checkpoints, "sales", [&](const StoredEvent& stored) -> Status {
                        EXPECT_EQ(stored.event.envelope.version, 3U) << "those before are not handled again";
                        sold.push_back(777);
                        return Nothing{};
                      }));
  ASSERT_TRUE(upgraded.wait_for(last, kVeryLong));
  EXPECT_EQ(sold, (std::vector<std::int64_t>{500, 250, 777}));
}

// Claim:  handlers of types that nobody can read, and two for one topic, are refused at start-up.
TEST_F(TypedEventsTest, WrongHandlersAreRefused) {
  EXPECT_THROW(EventHandlers<>(nullptr), ConfigError);
  EventHandlers<> handlers(types);
  handlers.on<Sold>([](const Sold&) {});
  EXPECT_THROW(handlers.on<Sold>([](const Sold&) {}), ConfigError);
  handlers.on<Sold>("shop.sold.abroad", [](const Sold&) {});
  auto none = std::make_shared<EventTypes>(std::make_shared<LineCodec>());
  EXPECT_THROW(EventHandlers<>(none).on<Sold>([](const Sold&) {}), ConfigError);
}

}  // namespace
}  // namespace headrace::test
