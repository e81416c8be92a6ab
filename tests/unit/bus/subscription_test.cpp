#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "settle.hpp"

namespace headrace {
namespace {

using namespace test;

// Claim:  once a Subscription's destructor has returned its handler is not running and never runs again, and what
//         the handler captured is destroyed.
// Method: the destructor is called while the handler is inside; it must wait until the handler is let go.
TEST(Subscriptions, DestructorWaitsForTheRunningHandler) {
  Bus bus({.workers = 1});
  Gate gate;
  auto captured = std::make_shared<std::atomic<int>>(0);
  std::atomic<bool> finished{false};
  std::optional<Subscription> subscription = bus.subscribe<Tick>([&, captured](const Tick&) {
    captured->fetch_add(1);
    gate.pass();
    finished.store(true);
  });
  EXPECT_EQ(captured.use_count(), 2);
  bus.start();
  Publisher publisher = bus.publisher();
  ASSERT_TRUE(publisher.publish(Tick{}));
  ASSERT_TRUE(publisher.publish(Tick{}));
  gate.await_arrivals();
  std::atomic<bool> ended{false};
  std::jthread ender([&] {
    subscription.reset();
    EXPECT_TRUE(finished.load());
    ended.store(true);
  });
  for (int i = 0; i < 50; ++i) std::this_thread::yield();
  EXPECT_FALSE(ended.load());
  gate.open();
  ender.join();
  EXPECT_EQ(captured.use_count(), 1);
  const int ran = captured->load();
  static_cast<void>(static_cast<bool>(publisher.publish(Tick{})));
  const Ledger ledger = stop_drained(bus);
  EXPECT_EQ(captured->load(), ran);
  EXPECT_EQ(ledger.published, 3U);
  EXPECT_EQ(ledger.handled, static_cast<std::uint64_t>(ran));
}

// Claim:  a handler that ends its own subscription finishes and is never called again, not even for the rest of
//         the run it was given; what it captured is destroyed. Other subscriptions see everything.
// Method: a run of ten events, by one and by batch; the third ends it.
TEST(Subscriptions, HandlerMayEndItself) {
  Bus bus({.workers = 0});
  auto captured = std::make_shared<int>(0);
  std::optional<Subscription> by_one;
  std::optional<Subscription> by_batch;
  std::optional<Subscription> by_tap;
  int batches = 0;
  int taps = 0;
  std::uint64_t beside = 0;
  by_one = bus.subscribe<Tick>([&, captured](const Tick& e) {
    ++*captured;
    if (e.value == 2) by_one.reset();
    EXPECT_LE(e.value, 2U);
  });
  by_batch = bus.subscribe<Tick>([&, captured](std::span<const Tick>) {
    ++batches;
    by_batch.reset();
  });
  by_tap = bus.tap([&, captured](const AnyEvent&) {
    ++taps;
    by_tap.reset();
  });
  const auto other = bus.subscribe<Tick>([&](const Tick&) { ++beside; });
  Publisher publisher = bus.publisher();
  std::vector<Tick> events;
  for (std::uint64_t i = 0; i < 10; ++i) events.push_back({.key = 0, .value = i});
  ASSERT_EQ(publisher.publish(std::span<const Tick>(events)).accepted(), 10U);
  while (bus.poll() > 0) {
  }
  ASSERT_TRUE(publisher.publish(Tick{}));
  const Ledger ledger = stop_drained(bus);
  EXPECT_EQ(*captured, 3);
  EXPECT_EQ(captured.use_count(), 1);
  EXPECT_EQ(batches, 1);
  EXPECT_EQ(taps, 1);
  EXPECT_EQ(beside, 11U);
  EXPECT_EQ(ledger, (Ledger{.published = 41, .handled = 3 + 10 + 1 + 11, .dropped = 7 + 9}));
}

// Claim:  Publishers and Subscriptions may be destroyed before and after the bus, in any order; a Publisher that
//         is left answers `closed`.
// Method: every order of the three, with events under way.
TEST(Subscriptions, DestructorsMayComeInAnyOrder) {
  for (int order = 0; order < 6; ++order) {
    auto bus = std::make_unique<Bus>(DispatcherOptions{.workers = 2});
    auto captured = std::make_shared<int>(0);
    std::optional<Subscription> subscription = bus->subscribe<Named>([captured](const Named&) {});
    std::optional<Publisher> publisher = bus->publisher();
    bus->start();
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(publisher->publish(Named{std::string(60, 'x')}));
    constexpr int kOrders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (const int which : kOrders[order]) {
      if (which == 0) bus.reset();
      if (which == 1) subscription.reset();
      if (which == 2) publisher.reset();
      if (bus == nullptr && publisher) {
        EXPECT_EQ(publisher->publish(Named{"late"}).status(), PublishStatus::closed);
      }
    }
    EXPECT_EQ(captured.use_count(), 1);
  }
}

// Claim:  Subscriptions and Publishers may be moved; what was moved from does nothing.
// Method: moved into and out of vectors that grow, and assigned over live ones.
TEST(Subscriptions, HandlesMove) {
  Bus bus({.workers = 0});
  int seen = 0;
  std::vector<Subscription> subscriptions;
  std::vector<Publisher> publishers;
  for (int i = 0; i < 9; ++i) {
    subscriptions.push_back(bus.subscribe<Tick>([&](const Tick&) { ++seen; }));
    publishers.push_back(bus.publisher());
  }
  Publisher moved = std::move(publishers.front());
  EXPECT_TRUE(moved.publish(Tick{}));
  EXPECT_FALSE(publishers.front().publish(Tick{}));
  publishers.front() = std::move(publishers.back());
  EXPECT_TRUE(publishers.front().publish(Tick{}));
  subscriptions.front() = std::move(subscriptions.back());
  EXPECT_FALSE(subscriptions.back().active());
  publishers.clear();
  while (bus.poll() > 0) {
  }
  EXPECT_EQ(seen, 2 * 8);
  stop_drained(bus);
}

// Claim:  a group sees every event once while its members come and go: what is on its way to a member that leaves
//         goes to one that stays, also the rest of a run whose handler ends itself.
// Method: groups of every placement with one member that stays; others join, take part and leave from outside, and
//         end themselves, while two publishers go on. Keys keep their order.
TEST(Subscriptions, GroupLosesNothingWhenMembersLeave) {
  constexpr std::uint64_t kEvents = 10'000;
  Bus bus({.workers = 2, .lane_bytes = 8192});
  std::array<std::atomic<std::uint64_t>, 3> seen{};
  std::array<std::atomic<std::uint64_t>, 4> next{};  // by key, of the sharded group
  std::atomic<std::uint64_t> wrong{0};
  const auto handler = [&](std::size_t group) {
    return [&, group](const Tick& e) {
      seen[group].fetch_add(1);
      if (group == 1 && next[e.key].exchange(e.value + 1) != e.value) wrong.fetch_add(1);
    };
  };
  const std::array<SubscribeOptions, 3> options = {
      SubscribeOptions{.group = "p", .worker = 0},
      SubscribeOptions{.group = "s", .placement = Placement::sharded},
      SubscribeOptions{.group = "b", .placement = Placement::balanced},
  };
  std::vector<Subscription> stay;
  for (std::size_t group = 0; group < 3; ++group) {
    stay.push_back(bus.subscribe<Tick>(options[group], handler(group)));
  }
  bus.start();
  std::atomic<int> running{2};
  std::vector<std::jthread> publishers;
  for (std::uint64_t p = 0; p < 2; ++p) {
    publishers.emplace_back([&, p] {
      Publisher publisher = bus.publisher();
      for (std::uint64_t i = 0; i < kEvents; ++i) {
        EXPECT_TRUE(publisher.publish(Tick{.key = 2 * p + i % 2, .value = i / 2}));
      }
      running.fetch_sub(1);
    });
  }
  for (std::uint64_t round = 0; running.load() > 0; ++round) {
    const std::size_t group = round % 3;
    const Subscription leaves = bus.subscribe<Tick>(options[group], handler(group));
    // A Subscription is for one thread at a time: the handler ends it, or this thread, whoever is first.
    std::atomic<bool> claimed{true};
    std::atomic<bool> ended{false};
    Subscription ends_itself;
    ends_itself = bus.subscribe<Tick>(options[group], [&, handle = handler(group)](const Tick& e) {
      handle(e);
      if (claimed.exchange(true)) return;
      ends_itself.end();
      ended.store(true);
    });
    claimed.store(false);
    yield_until([&] { return ended.load() || running.load() == 0; });
    if (claimed.exchange(true)) yield_until([&] { return ended.load(); });
  }
  publishers.clear();
  const Ledger ledger = stop_drained(bus);
  for (const auto& group : seen) EXPECT_EQ(group.load(), 2 * kEvents);
  EXPECT_EQ(wrong.load(), 0U);
  EXPECT_EQ(ledger, (Ledger{.published = 6 * kEvents, .handled = 6 * kEvents}));
}

// Claim:  subscribing and ending subscriptions costs the others no event, whatever flows meanwhile; every event is
//         accounted for.
// Method: two publishers, typed and dynamic, an everlasting subscription of each placement, and a thread that
//         makes and ends subscriptions of every kind.
TEST(Subscriptions, OthersMissNothingWhileSomeComeAndGo) {
  constexpr std::uint64_t kEvents = 20'000;
  Bus bus({.workers = 2, .lane_bytes = 8192});
  std::atomic<std::uint64_t> pinned{0};
  std::atomic<std::uint64_t> sharded{0};
  std::atomic<std::uint64_t> balanced{0};
  std::atomic<std::uint64_t> dynamic{0};
  const auto a = bus.subscribe<Tick>([&](const Tick&) { pinned.fetch_add(1); });
  const auto b =
      bus.subscribe<Tick>({.placement = Placement::sharded}, [&](const Tick&) { sharded.fetch_add(1); });
  const auto c =
      bus.subscribe<Tick>({.placement = Placement::balanced}, [&](const Tick&) { balanced.fetch_add(1); });
  const auto d = bus.subscribe<Tock>({.filter = "room/+"}, [&](const Tock&) { dynamic.fetch_add(1); });
  bus.start();
  std::atomic<int> running{2};
  std::jthread typed([&] {
    Publisher publisher = bus.publisher();
    for (std::uint64_t i = 0; i < kEvents; ++i) EXPECT_TRUE(publisher.publish(Tick{.key = i, .value = i}));
    running.fetch_sub(1);
  });
  std::jthread named([&] {
    Publisher publisher = bus.publisher();
    const std::string rooms[] = {"room/1", "room/2", "room/3"};
    for (std::uint64_t i = 0; i < kEvents; ++i) EXPECT_TRUE(publisher.publish(rooms[i % 3], Tock{i}));
    running.fetch_sub(1);
  });
  std::uint64_t rounds = 0;
  while (running.load() > 0) {
    const auto placement = static_cast<Placement>(rounds % 3);
    auto captured = std::make_shared<int>(0);
    {
      const auto passing = bus.subscribe<Tick>({.placement = placement}, [captured](const Tick&) {});
      const auto tap = bus.tap([captured](const AnyEvent&) {});
      const auto room = bus.subscribe<Tock>({.filter = rounds % 2 == 0 ? "room/2" : "room/#"},
                                            [captured](std::span<const Tock>) {});
    }
    ASSERT_EQ(captured.use_count(), 1);
    ++rounds;
  }
  const Ledger ledger = stop_drained(bus);
  EXPECT_EQ(pinned.load(), kEvents);
  EXPECT_EQ(sharded.load(), kEvents);
  EXPECT_EQ(balanced.load(), kEvents);
  EXPECT_EQ(dynamic.load(), kEvents);
  EXPECT_EQ(ledger.failed, 0U);
  RecordProperty("rounds", static_cast<int>(rounds));
}

struct Named {
  std::string name;
};

// Claim:  members of a group may inherit each other's events, so that those of a type that is not trivially copyable
//         all have delivery, or none: a mix is a config error, and nothing of it stays. Types that are copied, other
//         groups and other types are free.
// Method: each mix, in both orders; again after the other member has gone.
TEST(Subscriptions, HeirsCanKeepWhatTheyInherit) {
  Bus bus({.workers = 0});
  const SubscribeOptions plain{.group = "g"};
  const SubscribeOptions keeping{.group = "g", .retry = fixed(std::chrono::milliseconds(1), 3)};
  const auto handler = [](const Named&) {};
  {
    const auto first = bus.subscribe<Named>(plain, handler);
    EXPECT_THROW(static_cast<void>(bus.subscribe<Named>(keeping, handler)), ConfigError);
    const auto tick = bus.subscribe<Tick>(keeping, [](const Tick&) {});
    const auto again = bus.subscribe<Tick>(plain, [](const Tick&) {});
    const auto other = bus.subscribe<std::string>({.filter = "text", .group = "g", .retry = keeping.retry},
                                                  [](const std::string&) {});
    EXPECT_THROW(static_cast<void>(bus.tap(plain, [](const AnyEvent&) {})), ConfigError);
  }
  const auto first = bus.subscribe<Named>(keeping, handler);
  EXPECT_THROW(static_cast<void>(bus.subscribe<Named>(plain, handler)), ConfigError);
  EXPECT_THROW(static_cast<void>(bus.tap(plain, [](const AnyEvent&) {})), ConfigError);
  const auto second = bus.subscribe<Named>(keeping, handler);
}

}  // namespace
}  // namespace headrace
