#include "headrace/dispatch/event_flow.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <thread>

#include "events.hpp"
#include "headrace/bus/bus.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

/// "who > topic" for publications, "topic > who" for deliveries.
std::map<std::string, std::uint64_t> arrows_of(const EventFlow& flow) {
  std::map<std::string, std::uint64_t> arrows;
  for (const auto& one : flow.publications) {
    const bool handler = one.by == EventFlow::By::handler;
    const std::string& from = handler ? flow.subscribers[one.from].name : flow.publishers[one.from];
    arrows[(handler ? "handler " : "") + from + " > " + flow.topics[one.topic].name] += one.events;
  }
  for (const auto& one : flow.deliveries) {
    arrows[flow.topics[one.topic].name + " > " + flow.subscribers[one.subscriber].name] += 1;
  }
  return arrows;
}

void drain(Bus& bus) {
  while (bus.poll() != 0) {
  }
}

/// billing answers each Tick with a Tock, with or without meta; audit sees both; idle waits for what nobody sends.
class EventFlowTest : public testing::Test {
 protected:
  EventFlowTest() : bus_({.workers = 0, .time = time(), .flow = Flow::counted}) {}

  void SetUp() override {
    billing_ = bus_.subscribe<Tick>({.name = "billing"}, [](const Tick& tick, Context& context) {
      EXPECT_TRUE(context.publish(Tock{tick.value}));
    });
    audit_ticks_ = bus_.subscribe<Tick>({.filter = "test.#", .group = "audit"}, [](const Tick&) {});
    audit_tocks_ = bus_.subscribe<Tock>({.filter = "test.#", .group = "audit"}, [](const Tock&) {});
    idle_ = bus_.subscribe<Named>({.name = "idle"}, [](const Named&) {});
    bus_.start();
  }

  TimeSource time() {
    TimeSource source;
    source.steady = [](const void* self) { return *static_cast<const std::uint64_t*>(self); };
    source.self = &now_ns_;
    return source;
  }

  std::uint64_t now_ns_ = 0;
  Bus bus_;
  Subscription billing_, audit_ticks_, audit_tocks_, idle_;
};

// Claim:  the graph says who published how much to which topic, programs and handlers, and who gets it.
// Method: two publishers of one name, one without, a thread by the bus itself; an event with meta; one that nobody
//         subscribes to.
TEST_F(EventFlowTest, SaysWhoPublishesWhatToWhom) {
  Publisher web = bus_.publisher("web");
  Publisher other_web = bus_.publisher("web");
  Publisher nameless = bus_.publisher();
  ASSERT_TRUE(web.publish(Tick{}));
  ASSERT_TRUE(web.publish("test.more", Tick{}));
  ASSERT_TRUE(web.publish(Tick{}, PublishOptions{.correlation = EventId::make()}));
  ASSERT_TRUE(other_web.publish(Tick{}));
  const std::vector<Tick> span(3);
  ASSERT_TRUE(nameless.publish(std::span<const Tick>(span)));
  ASSERT_TRUE(nameless.emplace<Tick>());
  std::thread([&] { ASSERT_TRUE(bus_.publish(Large{})); }).join();
  drain(bus_);
  EXPECT_EQ(arrows_of(bus_.flow()), (std::map<std::string, std::uint64_t>{{"web > test.tick", 3},
                                                                          {"web > test.more", 1},
                                                                          {"publisher 3 > test.tick", 4},
                                                                          {"bus.publish() > test.large", 1},
                                                                          {"handler billing > test.tock", 7},
                                                                          {"test.tick > billing", 1},
                                                                          {"test.tick > audit", 1},
                                                                          {"test.more > audit", 1},
                                                                          {"test.tock > audit", 1}}));
  const EventFlow flow = bus_.flow();
  const auto subscriber = [&](std::string_view name) {
    return *std::ranges::find(flow.subscribers, name, &EventFlow::Subscriber::name);
  };
  EXPECT_EQ(subscriber("billing").handled, 7U);
  EXPECT_EQ(subscriber("audit").handled, 8U + 7U);
  EXPECT_EQ(subscriber("idle").handled, 0U);
  EXPECT_EQ(std::ranges::find(flow.topics, "test.tick", &EventFlow::Topic::name)->published, 7U);
}

// Claim:  what handlers publish by the bus itself, and on a later try, counts as theirs; what is scheduled does not.
TEST_F(EventFlowTest, TellsHandlersFromTimers) {
  SubscribeOptions options{.name = "retried"};
  options.retry = RetryPolicy::fixed(1ms, 3);
  const auto retried = bus_.subscribe<Large>(options, [&](const Large&, Context& context) -> Outcome {
    EXPECT_TRUE(bus_.publish(Tock{}));
    return context.attempt() == 1 ? retry() : done();
  });
  ASSERT_TRUE(bus_.publish(Large{}));
  ASSERT_TRUE(bus_.publish_after(1ms, Tock{}));
  drain(bus_);
  now_ns_ += 1'000'000'000;
  drain(bus_);
  const auto arrows = arrows_of(bus_.flow());
  EXPECT_EQ(arrows.at("handler retried > test.tock"), 2U);
  EXPECT_EQ(arrows.at("scheduled > test.tock"), 1U);
}

// Claim:  the difference of two graphs has what happened in between, and how long that took.
TEST_F(EventFlowTest, DifferenceIsWhatHappenedSince) {
  Publisher web = bus_.publisher("web");
  ASSERT_TRUE(web.publish(Tick{}));
  drain(bus_);
  const EventFlow earlier = bus_.flow();
  now_ns_ += 2'000'000'000;
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(web.publish(Tick{}));
  Publisher late = bus_.publisher("late");
  ASSERT_TRUE(late.publish(Large{}));
  drain(bus_);
  const EventFlow since = bus_.flow().since(earlier);
  EXPECT_EQ(since.over, 2s);
  const auto arrows = arrows_of(since);
  EXPECT_EQ(arrows.at("web > test.tick"), 4U);
  EXPECT_EQ(arrows.at("late > test.large"), 1U);
  EXPECT_EQ(arrows.at("handler billing > test.tock"), 4U);
  EXPECT_EQ(std::ranges::find(since.topics, "test.tick", &EventFlow::Topic::name)->published, 4U);
  EXPECT_EQ(std::ranges::find(since.subscribers, "billing", &EventFlow::Subscriber::name)->handled, 4U);
}

// Claim:  who is gone stays in the graph with what it published, and whoever gets its place begins at zero.
TEST_F(EventFlowTest, RemembersWhoIsGone) {
  for (int life = 0; life < 2; ++life) {
    Publisher importer = bus_.publisher("import");
    ASSERT_TRUE(importer.publish(Tick{}));
  }
  drain(bus_);
  Publisher heir = bus_.publisher("heir");
  ASSERT_TRUE(heir.publish(Tock{}));
  billing_.end();
  const EventFlow flow = bus_.flow();
  const auto arrows = arrows_of(flow);
  EXPECT_EQ(arrows.at("import > test.tick"), 2U);
  EXPECT_EQ(arrows.at("heir > test.tock"), 1U);
  EXPECT_EQ(arrows.count("heir > test.tick"), 0U);
  EXPECT_EQ(arrows.at("billing (ended) > test.tock"), 2U);
  EXPECT_EQ(arrows.count("test.tick > billing"), 0U);
}

// Claim:  of many topics the most used are told of, and how many are not.
TEST_F(EventFlowTest, IsBoundedByTopics) {
  Publisher web = bus_.publisher("web");
  for (int topic = 0; topic < 50; ++topic) {
    const std::string name = "test/" + std::to_string(topic);
    for (int times = 0; times <= (topic == 7 || topic == 40); ++times) ASSERT_TRUE(web.publish(name, Tick{}));
  }
  const EventFlow flow = bus_.flow(2);
  ASSERT_EQ(flow.topics.size(), 2U);
  EXPECT_EQ(flow.topics[0].name, "test/7");
  EXPECT_EQ(flow.topics[1].name, "test/40");
  EXPECT_EQ(flow.topics_left_out, 48U);
  EXPECT_EQ(flow.publications.size(), 2U);
  drain(bus_);
}

// Claim:  a bus that was not told to count says so, and still knows topics and subscriptions.
TEST(EventFlowUncounted, KnowsTopicsAndSubscriptions) {
  Bus bus({.workers = 0});
  const auto billing = bus.subscribe<Tick>({.name = "billing"}, [](const Tick&) {});
  bus.start();
  ASSERT_TRUE(bus.publish(Tick{}));
  drain(bus);
  const EventFlow flow = bus.flow();
  EXPECT_FALSE(flow.counted);
  EXPECT_EQ(arrows_of(flow), (std::map<std::string, std::uint64_t>{{"test.tick > billing", 1}}));
  EXPECT_EQ(flow.subscribers.at(0).handled, 1U);
}

// Claim:  the graph may be asked for while others publish, subscribe and come and go; counts never go back.
// Method: a thread that publishes under names that come and go, one that subscribes, one that asks.
TEST(EventFlowThreads, MayBeAskedForAtAnyTime) {
  Bus bus({.workers = 2, .flow = Flow::counted});
  const auto kept = bus.subscribe<Tick>(
      {.name = "kept"}, [](const Tick&, Context& context) { EXPECT_TRUE(context.publish(Tock{})); });
  bus.start();
  constexpr std::uint64_t kEvents = 3'000;
  std::thread publishing([&] {
    for (std::uint64_t i = 0; i < kEvents / 10; ++i) {
      Publisher publisher = bus.publisher("comes and goes");
      for (int event = 0; event < 10; ++event) ASSERT_TRUE(publisher.publish(Tick{.key = i}));
    }
  });
  std::thread subscribing([&] {
    for (int i = 0; i < 100; ++i) {
      const auto brief = bus.subscribe<Tock>({.name = "brief"}, [](const Tock&) {});
    }
  });
  const auto published = [&] {
    std::uint64_t sum = 0;
    for (const auto& [arrow, events] : arrows_of(bus.flow())) {
      if (arrow == "comes and goes > test.tick") sum += events;
    }
    return sum;
  };
  for (std::uint64_t last = 0; last < kEvents;) {
    const std::uint64_t now = published();
    ASSERT_GE(now, last);
    last = now;
  }
  publishing.join();
  subscribing.join();
  EXPECT_TRUE(bus.stop(1min).drained);
  EXPECT_EQ(arrows_of(bus.flow()).at("handler kept > test.tock"), kEvents);
}

}  // namespace
}  // namespace headrace
