#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "settle.hpp"

// Events with a key reach its worker by ways of their own: one word of the topic, the route, the way of a thread without
// a publisher, a batch. They must agree.

namespace headrace {
namespace {

using namespace test;

constexpr std::uint64_t kKeys = 40;

/// What a Tick is built of where it will lie: its key is not known before.
struct BecomesTick {
  Tick tick;
  operator Tick() const { return tick; }
};

/// Three polled workers, a sharded subscription, and who handled what.
struct World {
  explicit World(Flow flow = Flow::not_counted)
      : bus({.workers = 0, .polled_workers = 3, .lane_bytes = 1 << 14, .flow = flow}) {}

  Subscription listen(SubscribeOptions options = {}) {
    options.placement = Placement::sharded;
    return bus.subscribe<Tick>(options, [this](const Tick& tick, Context& on) {
      workers[tick.key].insert(on.worker());
      values[tick.key].push_back(tick.value);
    });
  }
  void drain() {
    while (bus.poll() > 0) {
    }
  }
  /// Every key has one worker, and all workers have keys.
  void expect_a_worker_a_key() const {
    std::set<unsigned> all;
    for (const auto& [key, of_key] : workers) {
      EXPECT_EQ(of_key.size(), 1U) << "key " << key;
      all.insert(of_key.begin(), of_key.end());
    }
    EXPECT_EQ(all.size(), 3U);
  }

  Bus bus;
  std::map<std::uint64_t, std::set<unsigned>> workers;
  std::map<std::uint64_t, std::vector<std::uint64_t>> values;
};

// Claim:  a key has one worker and its events their order, by whatever way they are published.
// Method: singly, as a batch larger than a lane takes at once, built in place, with meta, and from a thread that has
//         no publisher, flow counted and not; what the lanes do not take is polled away.
TEST(WaysOfAKey, MeetAtItsWorkerInOrder) {
  for (const Flow flow : {Flow::not_counted, Flow::counted}) {
    World world(flow);
    const auto listening = world.listen({.overflow = Overflow::fail()});
    Publisher publisher = world.bus.publisher();
    std::uint64_t value = 0;
    const auto each = [&](auto&& publish) {
      ++value;
      for (std::uint64_t key = 0; key < kKeys; ++key) ASSERT_TRUE(publish(Tick{.key = key, .value = value}));
    };
    each([&](const Tick& tick) { return publisher.publish(tick); });
    each([&](const Tick& tick) { return publisher.emplace<Tick>(BecomesTick{tick}); });
    each([&](const Tick& tick) { return publisher.emplace<Tick>(tick); });
    each([&](const Tick& tick) { return publisher.publish(Tick(tick), PublishOptions{}); });
    world.drain();
    each([&](const Tick& tick) { return world.bus.publish(tick); });
    world.drain();

    constexpr std::uint64_t kBatch = 100 * kKeys;
    std::vector<Tick> batch;
    for (std::uint64_t i = 0; i < kBatch; ++i) batch.push_back({.key = i % kKeys, .value = value + 1 + i / kKeys});
    for (std::span<const Tick> left = batch; !left.empty(); world.drain()) {
      const PublishResult result = publisher.publish(left);
      EXPECT_EQ(result.status(),
                result.accepted() == left.size() ? PublishStatus::published : PublishStatus::full);
      left = left.subspan(result.accepted());
    }
    value += kBatch / kKeys;

    world.expect_a_worker_a_key();
    ASSERT_EQ(world.values.size(), kKeys);
    for (const auto& [key, values] : world.values) {
      ASSERT_EQ(values.size(), value) << "key " << key;
      for (std::uint64_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], i + 1) << "key " << key;
    }
    EXPECT_EQ(stop_drained(world.bus).handled, kKeys * value);
  }
}

// Claim:  a key keeps its worker, and its group every event, while other groups come and go.
// Method: what joins takes tags between those of the first group's later places: a group with another policy, a second
//         member, both ended again; events after each step.
TEST(WaysOfAKey, LastWhileGroupsComeAndGo) {
  World world;
  const auto listening = world.listen({.group = "first"});
  Publisher publisher = world.bus.publisher();
  std::uint64_t value = 0;
  const auto publish_all = [&] {
    ++value;
    for (std::uint64_t key = 0; key < kKeys; ++key) {
      ASSERT_TRUE(publisher.publish(Tick{.key = key, .value = value}));
    }
    world.drain();
  };
  publish_all();
  {
    std::uint64_t others = 0;
    const auto other = world.bus.subscribe<Tick>(
        {.group = "other", .placement = Placement::sharded, .overflow = Overflow::drop_newest()},
        [&](const Tick&) { ++others; });
    publish_all();
    EXPECT_EQ(others, kKeys);
    const auto second = world.listen({.group = "first"});
    publish_all();
  }
  publish_all();
  {
    const auto second = world.listen({.group = "first"});
    publish_all();
  }
  publish_all();
  world.expect_a_worker_a_key();
  for (const auto& [key, values] : world.values) {
    ASSERT_EQ(values.size(), value) << "key " << key;
    for (std::uint64_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], i + 1) << "key " << key;
  }
}

// Claim:  events without a key go by their topic: one topic, one worker, and batches stay together.
// Method: an event to each of many topics, and a batch to the type's own.
TEST(WaysOfAKey, GoByTopicWhereThereIsNone) {
  Bus bus({.workers = 0, .polled_workers = 3});
  std::map<std::string, std::set<unsigned>, std::less<>> workers;
  std::set<unsigned> all;
  std::uint64_t seen = 0;
  const auto listening =
      bus.subscribe<Tock>({.filter = "#", .placement = Placement::sharded}, [&](const Tock&, Context& on) {
        workers[std::string(on.topic())].insert(on.worker());
        all.insert(on.worker());
        ++seen;
      });
  Publisher publisher = bus.publisher();
  constexpr int kTopics = 30;
  const std::array<Tock, 8> batch{};
  for (int i = 0; i < kTopics; ++i) {
    ASSERT_TRUE(publisher.publish("of/" + std::to_string(i), Tock{}));
  }
  ASSERT_EQ(publisher.publish(std::span<const Tock>(batch)).accepted(), batch.size());
  while (bus.poll() > 0) {
  }
  EXPECT_EQ(seen, kTopics + batch.size());
  EXPECT_EQ(workers.size(), std::size_t{kTopics + 1});
  for (const auto& [topic, of_topic] : workers) EXPECT_EQ(of_topic.size(), 1U) << topic;
  EXPECT_EQ(all.size(), 3U);
}

}  // namespace
}  // namespace headrace
