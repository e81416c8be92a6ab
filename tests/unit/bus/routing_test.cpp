#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "settle.hpp"

namespace headrace {
namespace {

using namespace test;

// Claim:  typed events go to their own topic, dynamic ones to the topic named; filters of both syntaxes match
//         them; what nobody wants counts as unrouted and is accepted.
// Method: topics of two and three levels against exact, one-level and any-level filters.
TEST(Routing, FiltersChooseAmongTopics) {
  Bus bus({.workers = 0});
  std::map<std::string, std::vector<std::string>> seen;
  std::vector<Subscription> subscriptions;
  for (const char* filter : {"site/7/temp", "site/+/temp", "site/#", "site.*.temp", "#.temp"}) {
    subscriptions.push_back(
        bus.subscribe<Tock>({.filter = filter, .name = filter}, [&](const Tock&, Context& context) {
          seen[std::string(context.subscription())].emplace_back(context.topic());
        }));
  }
  std::uint64_t typed = 0;
  const auto own = bus.subscribe<Tock>([&](const Tock&) { ++typed; });
  Publisher publisher = bus.publisher();
  EXPECT_EQ(publisher.publish("site/7/temp", Tock{}).status(), PublishStatus::published);
  EXPECT_EQ(publisher.publish("site/8/temp", Tock{}).status(), PublishStatus::published);
  EXPECT_EQ(publisher.publish("site/8/humidity/inside", Tock{}).status(), PublishStatus::published);
  EXPECT_EQ(publisher.publish("elsewhere", Tock{}).status(), PublishStatus::unrouted);
  EXPECT_EQ(publisher.publish("site/7/temp", Tick{}).status(), PublishStatus::unrouted);  // another type
  EXPECT_EQ(publisher.publish(Tock{}).status(), PublishStatus::published);
  const Ledger ledger = stop_drained(bus);
  using Topics = std::vector<std::string>;
  EXPECT_EQ(seen["site/7/temp"], (Topics{"site/7/temp"}));
  EXPECT_EQ(seen["site/+/temp"], (Topics{"site/7/temp", "site/8/temp"}));
  EXPECT_EQ(seen["site/#"], (Topics{"site/7/temp", "site/8/temp", "site/8/humidity/inside"}));
  EXPECT_EQ(seen["site.*.temp"], (Topics{"site/7/temp", "site/8/temp"}));
  EXPECT_EQ(seen["#.temp"], (Topics{"site/7/temp", "site/8/temp"}));
  EXPECT_EQ(typed, 1U);
  EXPECT_EQ(ledger.unrouted, 2U);
  EXPECT_EQ(ledger.handled, 11U);
}

// Claim:  options keep their texts: they may be made of strings that are gone when the subscription is.
// Method: texts too long for a string's own buffer, made in a function; a view of them would be one of freed memory.
TEST(Routing, OptionsKeepTheirTexts) {
  const auto options_of = [](const std::string& service) {
    SubscribeOptions options;
    options.filter = "a/topic/of/many/levels/" + service;
    options.name = options.group = service + ", which has a long name";
    return options;
  };
  Bus bus({.workers = 0});
  const SubscribeOptions options = options_of("payment");
  const auto subscription = bus.subscribe<Tock>(options, [](const Tock&) {});
  const SubscriptionReport report = bus.snapshot().subscriptions.at(0);
  EXPECT_EQ(report.name, "payment, which has a long name");
  EXPECT_EQ(report.group, "payment, which has a long name");
  EXPECT_EQ(report.filter, "a/topic/of/many/levels/payment");
}

// Claim:  a topic that no event may have is refused and not counted; so are topics beyond topics_max, while known
//         ones and the event type's own go on.
// Method: wildcards, emptiness, length; then three topics where two are allowed.
TEST(Routing, BadTopicsAndTooManyAreRefused) {
  Bus bus({.workers = 0, .topics_max = 3});
  Publisher publisher = bus.publisher();
  for (const std::string& bad : {std::string(), std::string("a/+/b"), std::string("a/#"), std::string("a//b"),
                                 std::string("a.*"), std::string("nul\0", 4), std::string(2000, 'x')}) {
    const auto result = publisher.publish(bad, Tock{});
    EXPECT_FALSE(result);
    EXPECT_EQ(result.error(), PublishStatus::bad_topic) << bad;
  }
  EXPECT_EQ(publisher.publish(Tock{}).status(), PublishStatus::unrouted);
  EXPECT_EQ(publisher.publish("one", Tock{}).status(), PublishStatus::unrouted);
  EXPECT_EQ(publisher.publish("two", Tock{}).status(), PublishStatus::unrouted);
  EXPECT_EQ(publisher.publish("three", Tock{}).status(), PublishStatus::too_many_topics);
  EXPECT_EQ(publisher.publish("one", Tock{}).status(), PublishStatus::unrouted);
  EXPECT_EQ(publisher.publish("three", Tick{}).status(), PublishStatus::unrouted);  // each type has its own
  for (const char* topic : {"one", "two", "three"}) EXPECT_TRUE(publisher.publish(topic, Large{}));
  EXPECT_EQ(publisher.publish(Large{}).status(),
            PublishStatus::unrouted);  // input never takes the type's own place
  EXPECT_EQ(publisher.publish("four", Large{}).status(), PublishStatus::too_many_topics);
  EXPECT_EQ(stop_drained(bus), (Ledger{.published = 9, .unrouted = 9}));
}

// Claim:  every group sees every event once; the members of a group share them, each about its part.
// Method: a pinned, a sharded and a balanced group of three members each, and a group of one, over 6,000 keys.
TEST(Routing, GroupsSeeEventsOnceAndShareThem) {
  constexpr std::uint64_t kEvents = 6000;
  Bus bus({.workers = 3});
  struct Group {
    std::string name;
    Placement placement;
    std::atomic<std::uint64_t> sum{0};
    std::atomic<std::uint64_t> by_member[3]{};
  };
  Group groups[] = {
      {"pinned", Placement::pinned}, {"sharded", Placement::sharded}, {"balanced", Placement::balanced}};
  std::vector<Subscription> subscriptions;
  for (Group& group : groups) {
    for (auto& mine : group.by_member) {
      subscriptions.push_back(
          bus.subscribe<Tick>({.group = group.name, .placement = group.placement}, [&group, &mine](const Tick& e) {
            group.sum.fetch_add(e.value);
            mine.fetch_add(1);
          }));
    }
  }
  std::atomic<std::uint64_t> alone{0};
  subscriptions.push_back(bus.subscribe<Tick>([&](const Tick&) { alone.fetch_add(1); }));
  bus.start();
  Publisher publisher = bus.publisher();
  for (std::uint64_t i = 1; i <= kEvents; ++i) ASSERT_TRUE(publisher.publish(Tick{.key = i, .value = i}));
  const Ledger ledger = stop_drained(bus);
  EXPECT_EQ(ledger, (Ledger{.published = 4 * kEvents, .handled = 4 * kEvents}));
  EXPECT_EQ(alone.load(), kEvents);
  for (const Group& group : groups) {
    EXPECT_EQ(group.sum.load(), kEvents * (kEvents + 1) / 2) << group.name;
    for (const auto& mine : group.by_member) {
      EXPECT_GT(mine.load(), kEvents / 3 - 300) << group.name;
      EXPECT_LT(mine.load(), kEvents / 3 + 300) << group.name;
    }
  }
}

// Claim:  sharded: a key has one worker, the same for every topic and however many members its group has, now and
//         after a member joins; keys are spread evenly.
// Method: two event types with the same keys, groups of one, two and five members, on four workers; then a sixth.
TEST(Routing, KeyKeepsItsWorker) {
  constexpr std::uint64_t kKeys = 4000;
  Bus bus({.workers = 4});
  std::mutex mutex;
  std::map<std::uint64_t, std::set<unsigned>> workers_of;  // by key
  const auto note = [&](const Tick& e, Context& context) {
    const std::lock_guard lock(mutex);
    workers_of[e.key].insert(context.worker());
  };
  std::vector<Subscription> subscriptions;
  const auto subscribe = [&](const char* group, const char* filter) {
    subscriptions.push_back(
        bus.subscribe<Tick>({.filter = filter, .group = group, .placement = Placement::sharded}, note));
  };
  subscribe("one", "test.tick");
  for (int i = 0; i < 2; ++i) subscribe("two", "other/#");
  for (int i = 0; i < 5; ++i) subscribe("five", "test.tick");
  bus.start();
  Publisher publisher = bus.publisher();
  const auto publish_all = [&] {
    for (std::uint64_t key = 0; key < kKeys; ++key) {
      ASSERT_TRUE(publisher.publish(Tick{.key = key, .value = 0}));
      ASSERT_TRUE(publisher.publish("other/topic", Tick{.key = key, .value = 0}));
    }
  };
  publish_all();
  subscribe("five", "test.tick");
  subscribe("two", "other/#");
  publish_all();
  stop_drained(bus);
  std::map<unsigned, std::uint64_t> keys_of;
  for (const auto& [key, workers] : workers_of) {
    ASSERT_EQ(workers.size(), 1U) << "key " << key;
    ++keys_of[*workers.begin()];
  }
  ASSERT_EQ(keys_of.size(), 4U);
  for (const auto& [worker, keys] : keys_of) {
    EXPECT_GT(keys, kKeys / 4 - 150);
    EXPECT_LT(keys, kKeys / 4 + 150);
  }
}

// Claim:  a pinned group's handlers run on the worker that was named; unnamed groups are spread over all workers.
// Method: each handler notes its worker.
TEST(Routing, PinnedGroupsRunWhereTheyWereTold) {
  Bus bus({.workers = 3});
  std::atomic<unsigned> seen[6];
  std::vector<Subscription> subscriptions;
  for (int i = 0; i < 3; ++i) {
    auto& mine = seen[i];
    subscriptions.push_back(
        bus.subscribe<Tick>({.worker = 2 - i}, [&mine](const Tick&, Context& c) { mine = c.worker(); }));
  }
  for (int i = 3; i < 6; ++i) {
    auto& mine = seen[i];
    subscriptions.push_back(bus.subscribe<Tick>([&mine](const Tick&, Context& c) { mine = c.worker(); }));
  }
  bus.start();
  ASSERT_TRUE(bus.publish(Tick{}));
  stop_drained(bus);
  for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(seen[i].load(), 2 - i);
  EXPECT_EQ((std::set<unsigned>{seen[3], seen[4], seen[5]}), (std::set<unsigned>{0, 1, 2}));
}

// Claim:  what cannot be honoured is refused at once with a ConfigError, and leaves the bus as it was.
// Method: each contradiction once; afterwards the group still works.
TEST(Routing, ContradictionsAreConfigErrors) {
  Bus bus({.workers = 2});
  std::uint64_t seen = 0;
  const auto handler = [&](const Tick&) { ++seen; };
  const auto member = bus.subscribe<Tick>({.group = "g", .worker = 1}, handler);
  const auto refused = [&](const SubscribeOptions& options) {
    EXPECT_THROW(static_cast<void>(bus.subscribe<Tick>(options, handler)), ConfigError);
  };
  refused({.group = "g", .worker = 0});
  refused({.group = "g", .placement = Placement::sharded});
  refused({.group = "g", .worker = 1, .overflow = Overflow::fail()});
  refused({.worker = 2});
  refused({.placement = Placement::sharded, .worker = 1});
  refused({.filter = "a/#/b"});
  refused({.group = "#1"});
  refused({.overflow = Overflow::spill(0)});
  refused({.placement = Placement::balanced, .overflow = Overflow::conflate()});
  // Tock has no key: each would be a copy of the one before.
  EXPECT_THROW(
      static_cast<void>(bus.subscribe<Tock>({.deduplicated = Deduplicated{.by_key = true}}, [](const Tock&) {})),
      ConfigError);
  const auto second = bus.subscribe<Tick>({.group = "g"}, handler);
  bus.start();
  EXPECT_THROW(bus.start(), ConfigError);
  ASSERT_TRUE(bus.publish(Tick{}));
  EXPECT_EQ(stop_drained(bus), (Ledger{.published = 1, .handled = 1}));
  EXPECT_EQ(seen, 1U);
}

// Claim:  a bus refuses options out of range.
// Method: each field beyond its range.
TEST(Routing, OptionsAreChecked) {
  EXPECT_THROW(Bus({.lane_bytes = 1024}), ConfigError);
  EXPECT_THROW(Bus({.lane_bytes = 5000}), ConfigError);
  EXPECT_THROW(Bus({.workers = 2000}), ConfigError);
  EXPECT_THROW(Bus({.publishers_max = 0}), ConfigError);
  EXPECT_THROW(Bus({.high_watermark = 0.4}), ConfigError);
  EXPECT_THROW(Bus({.balanced_slots = 100}), ConfigError);
}

// Claim:  events for several workers arrive whole, small ones copied and large or non-trivial ones shared.
// Method: three kinds to four groups on four workers.
TEST(Routing, FanOutReachesEveryWorker) {
  constexpr std::uint64_t kEvents = 2000;
  Bus bus({.workers = 4});
  std::atomic<std::uint64_t> ticks{0};
  std::atomic<std::uint64_t> larges{0};
  std::atomic<std::uint64_t> names{0};
  std::vector<Subscription> subscriptions;
  for (int worker = 0; worker < 4; ++worker) {
    const SubscribeOptions on{.worker = worker};
    subscriptions.push_back(bus.subscribe<Tick>(on, [&](const Tick& e) { ticks.fetch_add(e.value); }));
    subscriptions.push_back(bus.subscribe<Large>(on, [&](const Large& e) {
      EXPECT_EQ(e.rest[39], e.value + 1);
      larges.fetch_add(e.value);
    }));
    subscriptions.push_back(bus.subscribe<Named>(on, [&](const Named& e) { names.fetch_add(e.name.size()); }));
  }
  bus.start();
  Publisher publisher = bus.publisher();
  for (std::uint64_t i = 1; i <= kEvents; ++i) {
    ASSERT_TRUE(publisher.publish(Tick{.key = i, .value = i}));
    Large large{.value = i};
    large.rest[39] = i + 1;
    ASSERT_TRUE(publisher.publish(large));
    ASSERT_TRUE(publisher.publish(Named{std::string(i % 50, 'n')}));
  }
  EXPECT_EQ(stop_drained(bus).handled, 12 * kEvents);
  EXPECT_EQ(ticks.load(), 4 * kEvents * (kEvents + 1) / 2);
  EXPECT_EQ(larges.load(), 4 * kEvents * (kEvents + 1) / 2);
  EXPECT_EQ(names.load(), 4 * kEvents / 50 * (49 * 50 / 2));
}

}  // namespace
}  // namespace headrace
