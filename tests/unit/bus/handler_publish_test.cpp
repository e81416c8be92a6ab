#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "settle.hpp"

namespace headrace {
namespace {

using namespace test;

// Claim:  handlers that publish in a cycle through tiny lanes never wait for each other, nor for themselves,
//         however they publish; every event goes its whole way and keeps its order.
// Method: each event is passed on between two workers, and to the worker itself, until it has made its hops. Four
//         thousand of them are far more than the lanes hold. One run by the Context, one by the bus, one by a
//         handle.
enum class By { context, bus, handle };
class HandlerPublish : public testing::TestWithParam<By> {};

struct Hop {
  std::uint64_t serial = 0;
  std::uint64_t left = 0;
};
struct HopBack {
  std::uint64_t serial = 0;
  std::uint64_t left = 0;
};
struct HopSelf {
  std::uint64_t serial = 0;
  std::uint64_t left = 0;
};

TEST_P(HandlerPublish, CyclesThroughFullLanesNeverDeadlock) {
  constexpr std::uint64_t kEvents = 4000;
  constexpr std::uint64_t kHops = 9;
  for (const unsigned workers : {1U, 2U}) {
    Bus bus({.workers = workers, .lane_bytes = 4096});
    std::vector<Publisher> handles;  // one for each worker
    for (unsigned i = 0; i < workers; ++i) handles.push_back(bus.publisher());
    const auto pass_on = [&](Context& context, auto event) {
      switch (GetParam()) {
        case By::context:
          EXPECT_TRUE(context.publish(event));
          break;
        case By::bus:
          EXPECT_TRUE(bus.publish(event));
          break;
        case By::handle:
          EXPECT_TRUE(handles[context.worker()].publish(event));
          break;
      }
    };
    std::uint64_t finished = 0;
    const auto there = bus.subscribe<Hop>({.worker = 0}, [&](const Hop& e, Context& context) {
      if (e.left == 0) {
        EXPECT_EQ(e.serial, finished);
        ++finished;
      } else {
        pass_on(context, HopBack{e.serial, e.left - 1});
      }
    });
    const auto back =
        bus.subscribe<HopBack>({.worker = static_cast<int>(workers) - 1}, [&](const HopBack& e, Context& c) {
          pass_on(c, HopSelf{e.serial, e.left - 1});
        });
    const auto self =
        bus.subscribe<HopSelf>({.worker = static_cast<int>(workers) - 1}, [&](const HopSelf& e, Context& c) {
          pass_on(c, Hop{e.serial, e.left - 1});
        });
    bus.start();
    Publisher publisher = bus.publisher();
    for (std::uint64_t i = 0; i < kEvents; ++i) ASSERT_TRUE(publisher.publish(Hop{i, kHops}));
    settle(bus);
    const Ledger ledger = stop_drained(bus);
    EXPECT_EQ(ledger.handled, kEvents * (kHops + 1));
    EXPECT_EQ(finished, kEvents);
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, HandlerPublish, testing::Values(By::context, By::bus, By::handle));

// Claim:  a handler that publishes more than it takes in is told `full` once its backlog is spent, and everything
//         that was accepted is handled.
// Method: one event makes ten thousand; the backlog holds a hundred.
TEST(HandlerBacklog, IsBounded) {
  Bus bus({.workers = 1, .lane_bytes = 4096, .handler_backlog_events = 100});
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t seen = 0;
  const auto source = bus.subscribe<Tick>([&](const Tick&, Context& context) {
    for (std::uint64_t i = 0; i < 10'000; ++i) {
      const auto result = context.publish(Tock{i});
      if (result) {
        ++accepted;
      } else {
        EXPECT_EQ(result.error(), PublishStatus::full);
        ++refused;
      }
    }
  });
  const auto sink = bus.subscribe<Tock>([&](const Tock& e) {
    EXPECT_EQ(e.value, seen);
    ++seen;
  });
  bus.start();
  ASSERT_TRUE(bus.publish(Tick{}));
  settle(bus);
  stop_drained(bus);
  EXPECT_GT(accepted, 100U);
  EXPECT_GT(refused, 5000U);
  EXPECT_EQ(seen, accepted);
}

// Claim:  a thread that holds no Publisher publishes all the same, in order, to every placement.
// Method: four threads use bus.publish() only.
TEST(UnregisteredThreads, PublishInOrder) {
  constexpr std::uint64_t kEvents = 5000;
  Bus bus({.workers = 2});
  std::uint64_t next[4] = {};
  std::atomic<std::uint64_t> balanced{0};
  const auto ordered = bus.subscribe<Tick>([&](const Tick& e) { EXPECT_EQ(e.value, next[e.key]++); });
  const auto any =
      bus.subscribe<Tick>({.placement = Placement::balanced}, [&](const Tick&) { balanced.fetch_add(1); });
  bus.start();
  std::vector<std::jthread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&bus, t] {
      for (std::uint64_t i = 0; i < kEvents; ++i) ASSERT_TRUE(bus.publish(Tick{.key = t, .value = i}));
    });
  }
  threads.clear();
  stop_drained(bus);
  for (const std::uint64_t count : next) EXPECT_EQ(count, kEvents);
  EXPECT_EQ(balanced.load(), 4 * kEvents);
}

// Claim:  a span is published whole and in order, whatever its size, by one frame a shard or many; accepted()
//         tells where it ended.
// Method: sizes around what a frame and a lane hold, pinned and sharded; then a full lane.
TEST(PublishSpan, ArrivesWholeAndInOrder) {
  Bus bus({.workers = 2, .lane_bytes = 4096});
  std::uint64_t next = 0;
  std::atomic<std::uint64_t> sharded{0};
  const auto pinned = bus.subscribe<Tick>([&](std::span<const Tick> events) {
    for (const Tick& e : events) EXPECT_EQ(e.value, next++);
  });
  const auto by_key = bus.subscribe<Tock>({.placement = Placement::sharded},
                                          [&](std::span<const Tock> events) { sharded.fetch_add(events.size()); });
  bus.start();
  Publisher publisher = bus.publisher();
  std::uint64_t made = 0;
  for (const std::size_t size : {0UL, 1UL, 2UL, 31UL, 32UL, 33UL, 256UL, 5000UL}) {
    std::vector<Tick> ticks(size);
    for (Tick& tick : ticks) tick.value = made++;
    EXPECT_EQ(publisher.publish(std::span<const Tick>(ticks)).accepted(), size);
    std::vector<Tock> tocks(size);
    EXPECT_EQ(publisher.publish(std::span(tocks)).accepted(), size);
  }
  stop_drained(bus);
  EXPECT_EQ(next, made);
  EXPECT_EQ(sharded.load(), made);

  Bus full({.workers = 0, .lane_bytes = 4096});
  const auto sink = full.subscribe<Tick>({.overflow = Overflow::fail()}, [](const Tick&) {});
  const std::vector<Tick> ticks(5000);
  const auto result = full.publisher().publish(std::span(ticks));
  EXPECT_EQ(result.error(), PublishStatus::full);
  EXPECT_GT(result.accepted(), 100U);
  EXPECT_EQ(stop_drained(full).handled, result.accepted());
}

}  // namespace
}  // namespace headrace
