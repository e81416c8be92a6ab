#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <optional>
#include <random>
#include <span>
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

// Claim:  without threads poll() drives the bus, a bounded number of events at a time, and says when nothing is
//         left.
// Method: a hundred events, ten at a look; publishing and looking in turn.
TEST(LifeCycle, PollDrivesTheBus) {
  Bus bus({.workers = 0});
  std::uint64_t seen = 0;
  const auto sink = bus.subscribe<Tick>([&](const Tick&) { ++seen; });
  const auto balanced = bus.subscribe<Tock>({.placement = Placement::balanced}, [&](const Tock&) { ++seen; });
  Publisher publisher = bus.publisher();
  EXPECT_EQ(bus.poll(), 0U);
  for (std::uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(publisher.publish(Tick{}));
  std::uint64_t most = 0;
  std::uint64_t sum = 0;
  while (const std::uint64_t handled = bus.poll(10)) {
    most = std::max(most, handled);
    sum += handled;
  }
  EXPECT_EQ(sum, 100U);
  EXPECT_LE(most, 10U);
  ASSERT_TRUE(publisher.publish(Tock{}));
  EXPECT_EQ(bus.poll(), 1U);
  EXPECT_EQ(seen, 101U);
  stop_drained(bus);
}

// Claim:  poll() inside a handler, or on a bus that has threads, is a programmer error.
// Method: both; the check's id is part of the message.
TEST(LifeCycleDeath, PollIsCheckedForMisuse) {
  EXPECT_DEATH(
      {
        Bus bus({.workers = 0});
        const auto sink = bus.subscribe<Tick>([&](const Tick&) { bus.poll(); });
        static_cast<void>(static_cast<bool>(bus.publish(Tick{})));
        bus.poll();
      },
      "dispatcher.poll_inside");
  EXPECT_DEATH(Bus({.workers = 1}).poll(), "dispatcher.poll");
}

// Claim:  a bus that would wait for its own handler aborts; one of its handlers may run and stop another bus.
// Method: a handler that stops its bus, itself and by a handler of a bus that it polls; one that makes a bus with a
//         worker and lets it end, and one that polls a bus.
TEST(LifeCycleDeath, StopIsCheckedForMisuse) {
  EXPECT_DEATH(
      {
        Bus bus({.workers = 0});
        const auto sink = bus.subscribe<Tick>([&](const Tick&) { static_cast<void>(bus.stop(1s)); });
        static_cast<void>(static_cast<bool>(bus.publish(Tick{})));
        bus.poll();
      },
      "dispatcher.stop");
  EXPECT_DEATH(
      {
        Bus bus({.workers = 0});
        Bus other({.workers = 0});
        const auto inner = other.subscribe<Tock>([&](const Tock&) { static_cast<void>(bus.stop(1s)); });
        const auto sink = bus.subscribe<Tick>([&](const Tick&) {
          static_cast<void>(static_cast<bool>(other.publish(Tock{})));
          other.poll();
        });
        static_cast<void>(static_cast<bool>(bus.publish(Tick{})));
        bus.poll();
      },
      "dispatcher.stop");
}
TEST(LifeCycle, AHandlerMayRunAnotherBus) {
  std::atomic<std::uint64_t> seen{0};
  const auto run_another = [&](unsigned workers) {
    Bus other({.workers = workers});
    const auto inner = other.subscribe<Tock>([&](const Tock&) { seen.fetch_add(1); });
    other.start();
    EXPECT_TRUE(other.publish(Tock{}));
    EXPECT_EQ(stop_drained(other).handled, 1U);
  };
  Bus bus({.workers = 0});
  const auto sink = bus.subscribe<Tick>([&](const Tick&) {
    run_another(1);
    run_another(0);
  });
  ASSERT_TRUE(bus.publish(Tick{}));
  EXPECT_EQ(bus.poll(), 1U);
  EXPECT_EQ(seen.load(), 2U);
  EXPECT_EQ(stop_drained(bus).handled, 1U);
}

// Claim:  what is published before start() waits and is handled afterwards.
// Method: by a Publisher and by the thread itself, to every placement.
TEST(LifeCycle, EventsBeforeStartAreHandledAfterIt) {
  Bus bus({.workers = 2});
  std::atomic<std::uint64_t> seen{0};
  std::vector<Subscription> subscriptions;
  for (const auto placement : {Placement::pinned, Placement::sharded, Placement::balanced}) {
    subscriptions.push_back(
        bus.subscribe<Tick>({.placement = placement}, [&](const Tick&) { seen.fetch_add(1); }));
  }
  Publisher publisher = bus.publisher();
  for (std::uint64_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(publisher.publish(Tick{.key = i, .value = 0}));
    ASSERT_TRUE(bus.publish(Tick{.key = i, .value = 0}));
  }
  EXPECT_EQ(bus.snapshot().ledger.in_flight, 300U);
  bus.start();
  EXPECT_EQ(stop_drained(bus).handled, 300U);
  EXPECT_EQ(seen.load(), 300U);
}

// Claim:  stop() works from every state, also twice; what was never handled is counted as dropped and destroyed
//         once, and after it every publish answers `closed`.
// Method: never started, with events of every placement left in lanes, queues and the shared ring.
TEST(LifeCycle, StopWithoutStartGivesUpWhatWaits) {
  {
    Bus bus({.workers = 2, .lane_bytes = 4096});
    std::vector<Subscription> subscriptions;
    const auto never = [](const Counted&) { ADD_FAILURE(); };
    subscriptions.push_back(bus.subscribe<Counted>({.overflow = Overflow::spill()}, never));
    subscriptions.push_back(
        bus.subscribe<Counted>({.placement = Placement::sharded, .overflow = Overflow::spill()}, never));
    subscriptions.push_back(
        bus.subscribe<Counted>({.placement = Placement::balanced, .overflow = Overflow::drop_newest()}, never));
    Publisher publisher = bus.publisher();
    std::uint64_t published = 0;
    for (; published < 2000; ++published) ASSERT_TRUE(publisher.publish(Counted(published)));
    const StopReport report = bus.stop(1s);
    EXPECT_FALSE(report.drained);
    EXPECT_EQ(report.ledger, (Ledger{.published = 6000, .dropped = 6000}));
    EXPECT_GE(report.abandoned, 4000U);
    EXPECT_EQ(publisher.publish(Counted(0)).status(), PublishStatus::closed);
    EXPECT_EQ(bus.publish(Counted(0)).status(), PublishStatus::closed);
    EXPECT_EQ(bus.publisher().publish(Counted(0)).status(), PublishStatus::closed);
    EXPECT_EQ(bus.stop(1s).ledger, report.ledger);
    EXPECT_THROW(bus.start(), ConfigError);
    EXPECT_EQ(Counted::alive.load(), 0);
  }
  EXPECT_EQ(Counted::alive.load(), 0);
}

// Claim:  after stop() every way of publishing answers `closed`, whatever way the events went before, counted or not.
// Method: one group a placement, a Tick through each first; then singly, as a batch, built in place and with meta.
TEST(LifeCycle, AfterStopEveryWayIsClosed) {
  for (const Flow flow : {Flow::not_counted, Flow::counted}) {
    for (const auto placement : {Placement::pinned, Placement::sharded, Placement::balanced}) {
      Bus bus({.workers = 0, .polled_workers = 2, .flow = flow});
      const auto ticks = bus.subscribe<Tick>({.filter = "#", .placement = placement}, [](const Tick&) {});
      Publisher publisher = bus.publisher();
      const std::array<Tick, 4> batch{};
      const auto publish_all = [&](PublishStatus wanted) {
        EXPECT_EQ(publisher.publish(Tick{}).status(), wanted);
        EXPECT_EQ(publisher.publish(std::span<const Tick>(batch)).status(), wanted);
        EXPECT_EQ(publisher.emplace<Tick>(Tick{}).status(), wanted);
        EXPECT_EQ(publisher.publish(Tick{}, PublishOptions{}).status(), wanted);
        EXPECT_EQ(publisher.publish("a/topic/of/its/own", Tick{}).status(), wanted);
      };
      publish_all(PublishStatus::published);
      const Ledger ledger = stop_drained(bus);
      publish_all(PublishStatus::closed);
      EXPECT_EQ(bus.snapshot().ledger, ledger);
    }
  }
}

// Claim:  at its deadline stop() names the worker and the subscription whose handler does not return, and the
//         ledger balances with what is in flight; the destructor waits for that handler, and then nothing is left.
// Method: a handler held until after stop() has reported.
TEST(LifeCycle, StopReportsAStuckHandler) {
  Gate gate;
  {
    Bus bus({.workers = 2});
    const auto stuck =
        bus.subscribe<Counted>({.name = "stuck", .worker = 1}, [&](const Counted&) { gate.pass(); });
    bus.start();
    Publisher publisher = bus.publisher();
    for (std::uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(publisher.publish(Counted(i)));
    gate.await_arrivals();
    const StopReport report = bus.stop(1ms);
    EXPECT_FALSE(report.drained);
    ASSERT_EQ(report.stuck.size(), 1U);
    EXPECT_NE(report.stuck.front().find("stuck"), std::string::npos);
    EXPECT_TRUE(report.ledger.balanced()) << report.ledger;
    EXPECT_GT(report.ledger.in_flight, 0U);
    gate.open();
  }
  EXPECT_EQ(Counted::alive.load(), 0);
}

// Claim:  of two threads in stop() the second one returns when the first has stopped the bus, with the same
//         ledger.
// Method: a handler holds the bus until the second thread has found it stopping and tried for 1 ms in vain; then
//         both stop with all the time they need.
TEST(LifeCycle, SecondStopWaitsForTheFirst) {
  Gate gate;
  Bus bus({.workers = 1});
  const auto held = bus.subscribe<Counted>([&](const Counted&) { gate.pass(); });
  bus.start();
  Publisher publisher = bus.publisher();
  for (std::uint64_t i = 0; i < 10; ++i) ASSERT_TRUE(publisher.publish(Counted(i)));
  gate.await_arrivals();
  StopReport first;
  std::thread stopper([&] { first = bus.stop(std::chrono::hours(1)); });
  yield_until([&] { return publisher.publish(Counted(0)).status() == PublishStatus::closed; });
  EXPECT_FALSE(bus.stop(1ms).drained);
  std::thread opener([&] { gate.open(); });
  const StopReport second = bus.stop(std::chrono::hours(1));
  stopper.join();
  opener.join();
  EXPECT_TRUE(first.drained);
  EXPECT_TRUE(second.drained);
  EXPECT_EQ(second.ledger, first.ledger);
}

// Claim:  a bus that goes away without stop() drains first.
// Method: the destructor alone, with events under way.
TEST(LifeCycle, DestructorDrains) {
  std::atomic<std::uint64_t> seen{0};
  {
    Bus bus({.workers = 1});
    const auto sink = bus.subscribe<Tick>([&](const Tick&) { seen.fetch_add(1); });
    bus.start();
    for (std::uint64_t i = 0; i < 5000; ++i) ASSERT_TRUE(bus.publish(Tick{}));
    Bus moved(std::move(bus));
    // Of two objects that name one bus only the last one stops it.
  }
  EXPECT_EQ(seen.load(), 5000U);
}

// Claim:  publishers_max handles may be alive; one more publishes nothing and says so; a handle given back serves
//         again, also for a thread that had found none.
// Method: two handles of two, a third, and the thread's own; then all are given back.
TEST(LifeCycle, PublishersAreCounted) {
  Bus bus({.workers = 0, .publishers_max = 2});
  const auto sink = bus.subscribe<Tick>([](const Tick&) {});
  std::optional<Publisher> first = bus.publisher();
  std::optional<Publisher> second = bus.publisher();
  Publisher third = bus.publisher();
  const std::vector<Tick> ticks(3);
  std::vector<Tick> mutable_ticks(3);
  EXPECT_EQ(third.publish(Tick{}).status(), PublishStatus::too_many_publishers);
  EXPECT_EQ(third.publish("topic", Tick{}).status(), PublishStatus::too_many_publishers);
  EXPECT_EQ(third.publish(std::span(ticks)).status(), PublishStatus::too_many_publishers);
  EXPECT_EQ(third.publish(std::span(mutable_ticks)).status(), PublishStatus::too_many_publishers);
  EXPECT_EQ(bus.publish(Tick{}).status(), PublishStatus::too_many_publishers);
  first.reset();
  EXPECT_TRUE(bus.publish(Tick{}));
  second.reset();
  EXPECT_TRUE(bus.publisher().publish(std::span(mutable_ticks)));
  EXPECT_EQ(stop_drained(bus).handled, 4U);
}

// Claim:  a stop at any moment leaves a balanced ledger, no event undestroyed and every publisher released,
//         whatever it was doing: publishing, blocked, or between two events.
// Method: fixed seeds choose how many events pass before the stop, its deadline, the policy and the wait strategy.
TEST(LifeCycle, StopAtAnyMomentBalances) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    {
      const Wait waits[] = {Wait::adaptive, Wait::park, Wait::spin_yield};
      Bus bus({.workers = 2, .wait = waits[random() % 3], .lane_bytes = 4096});
      const Overflow policies[] = {Overflow::block(), Overflow::block(1ms), Overflow::spill(100),
                                   Overflow::drop_oldest(10), Overflow::fail()};
      std::atomic<std::uint64_t> seen{0};
      const auto handle = [&](const Counted& e) {
        seen.fetch_add(1);
        if (*e.value % 50 == 0) std::this_thread::yield();
      };
      const auto one = bus.subscribe<Counted>({.worker = 0, .overflow = policies[random() % 5]}, handle);
      const auto two = bus.subscribe<Counted>({.worker = 1, .overflow = policies[random() % 5]}, handle);
      bus.start();
      const std::uint64_t until = random() % 2000;
      const std::chrono::nanoseconds deadline = random() % 2 == 0 ? 0ns : 1s;
      std::vector<std::jthread> publishers;
      for (int i = 0; i < 3; ++i) {
        publishers.emplace_back([&bus] {
          Publisher own = bus.publisher();
          for (std::uint64_t k = 0;; ++k) {
            if (own.publish(Counted(k)).status() == PublishStatus::closed) return;
          }
        });
      }
      yield_until([&] { return seen.load() >= until; });
      const StopReport report = bus.stop(deadline);
      EXPECT_TRUE(report.ledger.balanced()) << report.ledger;
      publishers.clear();
      const Ledger ledger = bus.snapshot().ledger;
      if (report.stuck.empty()) {  // on a busy machine a handler may have no core until the deadline
        EXPECT_TRUE(ledger.balanced()) << ledger;
        EXPECT_EQ(ledger.in_flight, 0U) << ledger;
        EXPECT_EQ(ledger.handled, seen.load());
      }
    }
    EXPECT_EQ(Counted::alive.load(), 0);
  }
}

// Claim:  a snapshot with nothing in flight has counted every event that had been published.
// Method: an event is published, and snapshots are taken one behind the other while the worker handles it, until
//         nothing is in flight; many times over.
TEST(LifeCycle, LedgerWithNothingInFlightCountsAll) {
  Bus bus({.workers = 1, .wait = Wait::spin_yield});
  const auto sink = bus.subscribe<Tick>([](const Tick&) {});
  bus.start();
  Publisher publisher = bus.publisher();
  for (std::uint64_t published = 1; published <= 2000; ++published) {
    ASSERT_TRUE(publisher.publish(Tick{}));
    Ledger ledger;
    yield_until([&] {
      ledger = bus.snapshot().ledger;
      return ledger.in_flight == 0;
    });
    ASSERT_EQ(ledger.published, published) << ledger;
  }
  stop_drained(bus);
}

#if !defined(NDEBUG)
// Claim:  a debug build says so when a Publisher is used while it is in use.
// Method: a callback of the bus publishes with the publisher that called it; two threads at one moment look the
//         same.
TEST(LifeCycleDeath, PublisherInUseIsFoundOut) {
  const auto reenter = [] {
    Publisher* publisher = nullptr;
    Bus bus({.workers = 0, .lane_bytes = 4096, .on_watermark = [&](const Watermark&) {
               static_cast<void>(publisher->publish(Tick{}).status());
             }});
    const auto sink = bus.subscribe<Tick>({.overflow = Overflow::fail()}, [](const Tick&) {});
    Publisher made = bus.publisher();
    publisher = &made;
    while (made.publish(Tick{})) {
    }
  };
  EXPECT_DEATH(reenter(), "publisher.threads");
}
#endif

}  // namespace
}  // namespace headrace
