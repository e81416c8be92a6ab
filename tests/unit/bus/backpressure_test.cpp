#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "counted.hpp"
#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "settle.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

constexpr std::size_t kTiny = 4096;

// Without threads nothing is taken from the lane before poll(): it fills at a known moment.
struct Polled {
  explicit Polled(DispatcherOptions options = {}) : bus(with_tiny_lanes(std::move(options))) {}
  static DispatcherOptions with_tiny_lanes(DispatcherOptions options) {
    options.workers = 0;
    options.lane_bytes = kTiny;
    return options;
  }
  Bus bus;
};

/// Publishes ticks 0, 1, 2, … until one is not simply published; its status, and how many went before.
struct Filled {
  std::uint64_t published = 0;
  PublishStatus then = PublishStatus::published;
};
Filled fill(Publisher& publisher, std::uint64_t most = 10'000) {
  Filled filled;
  while (filled.published < most) {
    filled.then = publisher.publish(Tick{.key = 0, .value = filled.published}).status();
    if (filled.then != PublishStatus::published) break;
    ++filled.published;
  }
  return filled;
}

// Claim:  fail: the publisher is told `full`, nothing of that event is published, and it goes on when there is
//         room.
// Method: a second group on another policy must not see the refused event either.
TEST(Backpressure, FailTellsThePublisherAndPublishesToNobody) {
  Polled polled;
  std::uint64_t seen = 0;
  std::uint64_t beside = 0;
  const auto fails = polled.bus.subscribe<Tick>({.overflow = Overflow::fail()}, [&](const Tick&) { ++seen; });
  const auto spills = polled.bus.subscribe<Tick>({.overflow = Overflow::spill()}, [&](const Tick&) { ++beside; });
  Publisher publisher = polled.bus.publisher();
  const Filled filled = fill(publisher);
  EXPECT_EQ(filled.then, PublishStatus::full);
  EXPECT_GT(filled.published, 20U);
  while (polled.bus.poll() > 0) {
  }
  EXPECT_EQ(seen, filled.published);
  EXPECT_EQ(beside, filled.published);
  EXPECT_TRUE(publisher.publish(Tick{}));
  EXPECT_EQ(stop_drained(polled.bus),
            (Ledger{.published = 2 * filled.published + 2, .handled = 2 * filled.published + 2}));
}

// Claim:  drop_newest: what finds the lane full is dropped and counted; what was published arrives, in order.
// Method: a thousand events into a lane that holds fewer. A later event may fit where one before it did not: an
//         open frame has room for one more event where there is none for a frame of its own.
TEST(Backpressure, DropNewestKeepsTheOldest) {
  Polled polled;
  std::vector<std::uint64_t> seen;
  const auto sink = polled.bus.subscribe<Tick>({.overflow = Overflow::drop_newest()},
                                               [&](const Tick& e) { seen.push_back(e.value); });
  Publisher publisher = polled.bus.publisher();
  std::vector<std::uint64_t> published;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const auto result = publisher.publish(Tick{.key = 0, .value = i});
    EXPECT_TRUE(result);
    if (result.status() == PublishStatus::published) published.push_back(i);
  }
  const std::uint64_t dropped = 1000 - published.size();
  EXPECT_GT(dropped, 500U);
  EXPECT_EQ(stop_drained(polled.bus), (Ledger{.published = 1000, .handled = 1000 - dropped, .dropped = dropped}));
  EXPECT_EQ(seen, published);
  EXPECT_EQ(seen.front(), 0U);
}

// Claim:  drop_oldest: of what waits behind the lane the oldest is dropped, so that the newest arrive, in order.
// Method: a budget of ten; a thousand move-only events.
TEST(Backpressure, DropOldestKeepsTheNewest) {
  Polled polled;
  std::vector<std::uint64_t> seen;
  const auto sink = polled.bus.subscribe<Counted>({.overflow = Overflow::drop_oldest(10)},
                                                  [&](const Counted& e) { seen.push_back(*e.value); });
  Publisher publisher = polled.bus.publisher();
  for (std::uint64_t i = 0; i < 1000; ++i)
    EXPECT_EQ(publisher.publish(Counted(i)).status(), PublishStatus::published);
  const Ledger ledger = stop_drained(polled.bus);
  EXPECT_EQ(ledger.published, 1000U);
  EXPECT_EQ(ledger.handled, seen.size());
  EXPECT_EQ(ledger.dropped, 1000 - seen.size());
  ASSERT_GT(seen.size(), 20U);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(seen[seen.size() - 10 + i], 990 + i);
  for (std::size_t i = 0; i + 10 < seen.size(); ++i) EXPECT_EQ(seen[i], i);
  EXPECT_EQ(Counted::alive.load(), 0);
}

// Claim:  conflate: the last value of each key arrives, replaced ones are counted as dropped, and more keys than
//         the budget are answered `full`.
// Method: seven keys updated in turn, far beyond the lane; then an eighth key.
TEST(Backpressure, ConflateKeepsTheLatestOfEachKey) {
  Polled polled;
  std::map<std::uint64_t, std::uint64_t> last;
  std::uint64_t handled = 0;
  const auto sink = polled.bus.subscribe<Tick>({.overflow = Overflow::conflate(7)}, [&](const Tick& e) {
    EXPECT_TRUE(!last.contains(e.key) || last[e.key] < e.value);
    last[e.key] = e.value;
    ++handled;
  });
  Publisher publisher = polled.bus.publisher();
  for (std::uint64_t i = 1; i <= 2100; ++i) ASSERT_TRUE(publisher.publish(Tick{.key = i % 7, .value = i}));
  EXPECT_EQ(publisher.publish(Tick{.key = 7, .value = 1}).status(), PublishStatus::full);
  const Ledger ledger = stop_drained(polled.bus);
  EXPECT_EQ(ledger.published, 2100U);
  EXPECT_EQ(ledger.handled, handled);
  EXPECT_EQ(ledger.dropped, 2100 - handled);
  EXPECT_LT(handled, 400U);
  ASSERT_EQ(last.size(), 7U);
  for (std::uint64_t key = 0; key < 7; ++key) EXPECT_EQ(last[key], key == 0 ? 2100 : 2093 + key);
}

// Claim:  spill: events wait behind the lane within the budget, in order through lane, queue and lane again;
//         beyond the budget the publisher is told `full`.
// Method: several fillings with partial drains in between.
TEST(Backpressure, SpillKeepsOrderThroughLaneAndQueue) {
  Polled polled;
  std::vector<std::uint64_t> seen;
  const auto sink = polled.bus.subscribe<Tick>({.overflow = Overflow::spill(300)},
                                               [&](const Tick& e) { seen.push_back(e.value); });
  Publisher publisher = polled.bus.publisher();
  std::uint64_t next = 0;
  for (int round = 0; round < 40; ++round) {
    std::uint64_t budget = 0;
    for (;; ++budget) {
      const auto status = publisher.publish(Tick{.key = 0, .value = next}).status();
      if (status == PublishStatus::full) break;
      ASSERT_EQ(status, PublishStatus::published);
      ASSERT_LT(budget, 1000U);
      ++next;
    }
    for (int i = 0; i <= round % 5; ++i) polled.bus.poll(static_cast<std::uint64_t>(1 + round * 13 % 200));
    if (round % 7 == 6) {
      while (polled.bus.poll() > 0) {
      }
    }
  }
  EXPECT_EQ(stop_drained(polled.bus), (Ledger{.published = next, .handled = next}));
  ASSERT_EQ(seen.size(), next);
  for (std::uint64_t i = 0; i < next; ++i) ASSERT_EQ(seen[i], i);
}

// Claim:  what one group lets be dropped costs its neighbours on the same worker nothing, nor do their budgets add
//         up.
// Method: two groups of different topics share a publisher's lane; one drops the oldest with a budget of five, the
//         other spills.
TEST(Backpressure, PoliciesOfNeighboursAreKeptApart) {
  Polled polled;
  std::uint64_t kept = 0;
  std::vector<std::uint64_t> lossy;
  const auto keeps = polled.bus.subscribe<Tock>({.overflow = Overflow::spill(100)}, [&](const Tock& e) {
    EXPECT_EQ(e.value, kept);
    ++kept;
  });
  const auto drops = polled.bus.subscribe<Tick>({.overflow = Overflow::drop_oldest(5)},
                                                [&](const Tick& e) { lossy.push_back(e.value); });
  Publisher publisher = polled.bus.publisher();
  for (std::uint64_t i = 0; i < 1000; ++i) ASSERT_TRUE(publisher.publish(Tick{.key = 0, .value = i}));
  for (std::uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(publisher.publish(Tock{i})) << i;
  for (std::uint64_t i = 1000; i < 2000; ++i) ASSERT_TRUE(publisher.publish(Tick{.key = 0, .value = i}));
  EXPECT_EQ(publisher.publish(Tock{100}).status(), PublishStatus::full);
  stop_drained(polled.bus);
  EXPECT_EQ(kept, 100U);
  ASSERT_GE(lossy.size(), 5U);
  for (std::uint64_t i = 0; i < 5; ++i) EXPECT_EQ(lossy[lossy.size() - 5 + i], 1995 + i);
}

struct Wide {
  std::array<std::uint64_t, 32> words{};
};

// Claim:  groups of one worker with different policies each get their own frame, also in a lane that is nearly
//         full.
// Method: five policies and events of 256 bytes, into a lane that another topic filled but for every small rest. How
//         densely it fills must not depend on the clock, as it does where frames stay open only for events that stream.
TEST(Backpressure, ManyPoliciesOnOneWorkerShareALane) {
  std::uint64_t most = 0;
  for (std::uint64_t rest = 0; rest < 150; ++rest) {
    Bus bus({.workers = 0, .lane_bytes = 1 << 16, .repeatable = true});
    std::vector<Subscription> subscriptions;
    for (const Overflow& overflow : {Overflow::block(), Overflow::fail(), Overflow::drop_newest(),
                                     Overflow::spill(10), Overflow::conflate(10)}) {
      subscriptions.push_back(bus.subscribe<Wide>({.overflow = overflow}, [](const Wide&) {}));
    }
    const auto filler = bus.subscribe<Tick>({.overflow = Overflow::fail()}, [](const Tick&) {});
    Publisher publisher = bus.publisher();
    const std::uint64_t filled = fill(publisher, rest == 0 ? 10'000 : most - rest).published;
    if (rest == 0) most = filled;
    const bool taken(publisher.publish(Wide{}));
    EXPECT_TRUE(taken || rest < 140) << rest;
    EXPECT_EQ(stop_drained(bus).published, filled + (taken ? 5 : 0));
  }
}

// Claim:  block: the publisher waits for room and nothing is lost; its deadline ends the wait.
// Method: a worker held by its handler; first a publisher with a short deadline, then one without that goes on
//         when the handler does.
TEST(Backpressure, BlockWaitsForRoomOrForItsDeadline) {
  Bus bus({.workers = 1, .lane_bytes = kTiny});
  Gate gate;
  std::uint64_t sum = 0;
  const auto patient = bus.subscribe<Tick>([&](const Tick& e) {
    if (sum == 0) gate.pass();
    sum += e.value + 1;
  });
  const auto hurried = bus.subscribe<Tock>({.overflow = Overflow::block(1ms)}, [](const Tock&) {});
  bus.start();
  Publisher publisher = bus.publisher();
  ASSERT_TRUE(publisher.publish(Tick{}));
  gate.await_arrivals();
  PublishStatus status = PublishStatus::published;
  std::uint64_t tocks = 0;
  for (; status == PublishStatus::published; ++tocks) status = publisher.publish(Tock{0}).status();
  EXPECT_EQ(status, PublishStatus::timed_out);
  std::jthread blocked([&] {
    Publisher own = bus.publisher();
    for (std::uint64_t i = 0; i < 5000; ++i) EXPECT_TRUE(own.publish(Tick{.key = 1, .value = i}));
  });
  gate.open();
  blocked.join();
  const Ledger ledger = stop_drained(bus);
  EXPECT_EQ(ledger.handled, 5001 + tocks - 1);
  EXPECT_EQ(sum, 1 + 5000U * 5001 / 2);
}

// Claim:  stop() releases publishers that are blocked; they are told `closed`, and what they had published before
//         is handled or counted.
// Method: three publishers behind a held handler; the stop has no time to drain.
TEST(Backpressure, StopReleasesBlockedPublishers) {
  Bus bus({.workers = 1, .lane_bytes = kTiny});
  Gate gate;
  const auto sink = bus.subscribe<Tick>([&](const Tick&) { gate.pass(); });
  bus.start();
  std::atomic<int> closed{0};
  std::atomic<std::uint64_t> published{0};
  std::vector<std::jthread> publishers;
  for (int i = 0; i < 3; ++i) {
    publishers.emplace_back([&] {
      Publisher own = bus.publisher();
      for (;;) {
        const auto result = own.publish(Tick{});
        if (!result) {
          EXPECT_EQ(result.error(), PublishStatus::closed);
          closed.fetch_add(1);
          return;
        }
        published.fetch_add(1);
      }
    });
  }
  gate.await_arrivals();
  const StopReport report = bus.stop(0ns);
  EXPECT_FALSE(report.drained);
  ASSERT_EQ(report.stuck.size(), 1U);
  publishers.clear();
  EXPECT_EQ(closed.load(), 3);
  EXPECT_EQ(bus.snapshot().ledger.published, published.load());
  EXPECT_TRUE(bus.snapshot().ledger.balanced()) << bus.snapshot().ledger;
  gate.open();
}

// Claim:  a lane that fills beyond the high watermark calls back once, and once more when it has run empty.
// Method: filled, drained, filled and drained; the calls and what they say.
TEST(Backpressure, WatermarksCallBackOnceEach) {
  std::vector<Watermark> calls;
  DispatcherOptions options;
  options.high_watermark = 0.5;
  options.on_watermark = [&](const Watermark& mark) { calls.push_back(mark); };
  Polled polled(options);
  const auto sink = polled.bus.subscribe<Tick>({.overflow = Overflow::fail()}, [](const Tick&) {});
  Publisher publisher = polled.bus.publisher();
  for (std::size_t round = 1; round <= 3; ++round) {
    EXPECT_EQ(fill(publisher).then, PublishStatus::full);
    ASSERT_EQ(calls.size(), 2 * round - 1);
    EXPECT_EQ(calls.back().level, Watermark::Level::high);
    EXPECT_EQ(calls.back().worker, 0U);
    EXPECT_EQ(calls.back().capacity_bytes, kTiny);
    EXPECT_GE(calls.back().used_bytes, kTiny / 2 - 600);
    while (polled.bus.poll() > 0) {
    }
    polled.bus.poll();
    ASSERT_EQ(calls.size(), 2 * round);
    EXPECT_EQ(calls.back().level, Watermark::Level::low);
  }
  stop_drained(polled.bus);
}

// Claim:  a publisher that waits longer than slow_after reports the subscription and the worker it waits for.
// Method: the handler is held until the report has come.
TEST(Backpressure, SlowConsumerIsNamed) {
  Gate gate;
  std::string name;
  unsigned worker = 99;
  std::atomic<bool> reported{false};
  DispatcherOptions options{.workers = 2, .lane_bytes = kTiny, .slow_after = 1ms};
  options.on_slow_consumer = [&](const SlowConsumer& slow) {
    if (reported.load() || slow.subscription.empty()) return;  // the worker may not have begun yet
    name = slow.subscription;
    worker = slow.worker;
    EXPECT_GE(slow.waited, 1ms);
    reported.store(true);
    gate.open();
  };
  Bus bus(options);
  const auto sink = bus.subscribe<Tick>({.name = "sluggish", .worker = 1}, [&](const Tick&) { gate.pass(); });
  bus.start();
  Publisher publisher = bus.publisher();
  while (!reported.load()) ASSERT_TRUE(publisher.publish(Tick{}));
  EXPECT_EQ(name, "sluggish");
  EXPECT_EQ(worker, 1U);
  stop_drained(bus);
}

// Claim:  a deadline of less than no time is refused when a subscription is made; none is to try once.
// Method: both.
TEST(Backpressure, DeadlinesBelowZeroAreRefused) {
  Bus bus({.workers = 0});
  const auto nothing = [](const Tick&) {};
  EXPECT_THROW(static_cast<void>(bus.subscribe<Tick>({.overflow = Overflow::block(-1ns)}, nothing)), ConfigError);
  const auto sub = bus.subscribe<Tick>({.overflow = Overflow::block(0ns)}, nothing);
}

}  // namespace
}  // namespace headrace
