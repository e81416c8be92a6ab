#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "counted.hpp"
#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "settle.hpp"
#include "stalls.hpp"
#include "stress_events.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

constexpr std::uint64_t kProducers = 8;

struct Numbered {
  std::uint32_t producer;
  std::uint32_t serial;
};
HEADRACE_EVENT(Numbered, "stress.numbered", key(producer), producer, serial)

/// Checks that each producer's events come in the order published, none left out and none twice.
struct alignas(128) InOrder {
  std::array<std::uint32_t, kProducers> next{};
  std::uint64_t wrong = 0;

  void see(const Numbered& e) {
    wrong += e.serial == next[e.producer] ? 0 : 1;
    next[e.producer] = e.serial + 1;
  }
};

// Claim:  nothing is lost or doubled and every producer's order holds, at 10^8 events with four times as many
//         threads as cores.
// Method: eight producers publish runs of random length and single events through small lanes, with random stalls;
//         four workers stall, too. A pinned group on each worker checks every serial number.
TEST(BusStress, NothingIsLostOrDoubledUnderOversubscription) {
  constexpr unsigned kWorkers = 4;
  const auto each = static_cast<std::uint32_t>(stress_events() / kProducers / kWorkers);
  Bus bus({.workers = kWorkers, .lane_bytes = 1 << 16});
  std::array<InOrder, kWorkers> seen;
  std::vector<Subscription> groups;
  for (unsigned worker = 0; worker < kWorkers; ++worker) {
    groups.push_back(bus.subscribe<Numbered>(
        {.filter = "stress/" + std::to_string(worker), .worker = static_cast<int>(worker)},
        [&mine = seen[worker], stalls = Stalls(worker)](std::span<const Numbered> run) mutable {
          for (const Numbered& e : run) mine.see(e);
          stalls.maybe();
        }));
  }
  bus.start();
  {
    std::vector<std::jthread> producers;
    for (std::uint32_t producer = 0; producer < kProducers; ++producer) {
      producers.emplace_back([&bus, producer, each] {
        static constexpr const char* kTopics[kWorkers] = {"stress/0", "stress/1", "stress/2", "stress/3"};
        Publisher publisher = bus.publisher();
        Stalls stalls(100 + producer);
        for (std::uint32_t serial = 0; serial < each; ++serial) {
          for (const char* topic : kTopics) {
            if (!publisher.publish(topic, Numbered{producer, serial})) std::abort();
          }
          if (serial % 32 == 0) stalls.maybe();
        }
      });
    }
  }
  const Ledger ledger = stop_drained(bus);
  EXPECT_EQ(ledger.published, std::uint64_t{each} * kProducers * kWorkers);
  EXPECT_EQ(ledger.handled, ledger.published);
  for (const InOrder& mine : seen) {
    EXPECT_EQ(mine.wrong, 0U);
    for (const std::uint32_t next : mine.next) EXPECT_EQ(next, each);
  }
}

// Claim:  the same of runs published as spans, sharded by producer and shared by two members.
// Method: spans of random length; each worker checks the order of the producers that it was given.
TEST(BusStress, SpansKeepTheirOrder) {
  const auto each = static_cast<std::uint32_t>(stress_events() / 8 / kProducers);
  Bus bus({.workers = 4, .lane_bytes = 1 << 14});
  std::array<InOrder, 4> seen;
  const auto group = bus.subscribe<Numbered>({.placement = Placement::sharded},
                                             [&](std::span<const Numbered> run, Context& context) {
                                               for (const Numbered& e : run) seen[context.worker()].see(e);
                                             });
  InOrder whole;
  const auto alone = bus.subscribe<Numbered>({.filter = "alone"}, [&](std::span<const Numbered> run) {
    for (const Numbered& e : run) whole.see(e);
  });
  bus.start();
  {
    std::vector<std::jthread> producers;
    for (std::uint32_t producer = 0; producer < kProducers; ++producer) {
      producers.emplace_back([&bus, producer, each] {
        Publisher publisher = bus.publisher();
        std::minstd_rand random(producer + 1);
        std::vector<Numbered> run;
        for (std::uint32_t serial = 0; serial < each;) {
          run.clear();
          for (std::size_t size = random() % 300 + 1; run.size() < size && serial < each;)
            run.push_back({producer, serial++});
          if (publisher.publish(std::span<const Numbered>(run)).accepted() != run.size()) std::abort();
          for (const Numbered& e : std::span(run)) {
            if (!publisher.publish("alone", e)) std::abort();
          }
        }
      });
    }
  }
  EXPECT_EQ(stop_drained(bus).handled, 2 * std::uint64_t{each} * kProducers);
  std::uint64_t sum = 0;
  for (const InOrder& mine : seen) {
    EXPECT_EQ(mine.wrong, 0U);
    for (const std::uint32_t next : mine.next) sum += next;
  }
  EXPECT_EQ(sum, std::uint64_t{each} * kProducers);
  EXPECT_EQ(whole.wrong, 0U);
}

// Claim:  spilling keeps the order of each publisher while the lane fills and empties all the time, and loses
//         nothing.
// Method: lanes of 4 KiB, move-only events, workers that stall; a worker's queue and lane change over again and
//         again.
TEST(BusStress, SpillingKeepsOrderWhileLanesRefill) {
  const std::uint64_t each = stress_events() / 200 / 4;
  {
    Bus bus({.workers = 2, .lane_bytes = 4096});
    std::array<std::uint64_t, 4> next{};
    std::uint64_t wrong = 0;
    const auto spills = bus.subscribe<Counted>({.worker = 0, .overflow = Overflow::spill(500)},
                                               [&, stalls = Stalls(7)](const Counted& e) mutable {
                                                 const std::uint64_t producer = *e.value % 4;
                                                 wrong += *e.value / 4 == next[producer]++ ? 0 : 1;
                                                 stalls.maybe();
                                               });
    const auto blocks = bus.subscribe<Counted>({.worker = 1}, [](const Counted&) {});
    bus.start();
    {
      std::vector<std::jthread> producers;
      for (std::uint64_t producer = 0; producer < 4; ++producer) {
        producers.emplace_back([&bus, producer, each] {
          Publisher publisher = bus.publisher();
          Stalls stalls(producer + 30);
          for (std::uint64_t i = 0; i < each; ++i) {
            while (!publisher.publish(Counted(4 * i + producer))) std::this_thread::yield();
            stalls.maybe();
          }
        });
      }
    }
    EXPECT_EQ(stop_drained(bus).handled, 8 * each);
    EXPECT_EQ(wrong, 0U);
  }
  EXPECT_EQ(Counted::alive.load(), 0);
}

// Claim:  a worker that parks never misses an event, whoever rings: direct, sharded, balanced and queued ones
//         alike.
// Method: workers that park at once; a token goes round between the publisher and each handler. A missed wake-up
//         stops the test, which then runs into its timeout.
TEST(BusStress, ParkedWorkersNeverMissAWakeUp) {
  const std::uint64_t rounds = stress_events() / 5'000;
  for (const auto wait : {Wait::park, Wait::adaptive}) {
    Bus bus({.workers = 3, .wait = wait, .lane_bytes = 4096});
    std::atomic<std::uint64_t> seen{0};
    const auto count = [&](const Tick&) { seen.fetch_add(1); };
    const auto pinned = bus.subscribe<Tick>({.filter = "pinned"}, count);
    const auto sharded = bus.subscribe<Tick>({.filter = "sharded", .placement = Placement::sharded}, count);
    const auto balanced = bus.subscribe<Tick>({.filter = "balanced", .placement = Placement::balanced}, count);
    const auto relay = bus.subscribe<Tock>({.worker = 0}, [](const Tock& e, Context& context) {
      if (!context.publish("pinned", Tick{e.value, e.value})) std::abort();
    });
    bus.start();
    Publisher publisher = bus.publisher();
    std::uint64_t published = 0;
    Stalls stalls(3);
    for (std::uint64_t i = 0; i < rounds; ++i) {
      const bool taken = publisher.publish("pinned", Tick{i, i}) && publisher.publish("sharded", Tick{i, i}) &&
                         publisher.publish("balanced", Tick{i, i}) && publisher.publish(Tock{i});
      ASSERT_TRUE(taken);
      published += 4;
      stalls.maybe();
      if (i % 3 == 0) yield_until([&] { return seen.load() == published; });
    }
    yield_until([&] { return seen.load() == published; });
    stop_drained(bus);
  }
}

// Claim:  subscription storms during traffic harm nobody: those who stay see everything in order, those who go are
//         never called again.
// Method: four producers; three threads subscribe and unsubscribe every kind as fast as they can.
TEST(BusStress, SubscriptionStormsLeaveTheOthersAlone) {
  const auto each = static_cast<std::uint32_t>(stress_events() / 200);
  Bus bus({.workers = 2, .lane_bytes = 1 << 14});
  InOrder stays;
  const auto everything = bus.subscribe<Numbered>([&](const Numbered& e) { stays.see(e); });
  bus.start();
  std::atomic<bool> storm{true};
  std::vector<std::jthread> stormers;
  for (std::uint64_t s = 0; s < 3; ++s) {
    stormers.emplace_back([&, s] {
      std::minstd_rand random(static_cast<std::uint32_t>(s + 1));
      while (storm.load()) {
        auto over = std::make_shared<std::atomic<bool>>(false);
        {
          const auto placement = static_cast<Placement>(random() % 3);
          const auto passing = bus.subscribe<Numbered>({.placement = placement}, [over](const Numbered&) {
            if (over->load()) std::abort();
          });
          const auto tap = bus.tap([over](const AnyEvent&) {
            if (over->load()) std::abort();
          });
          for (std::uint32_t i = random() % 4; i > 0; --i) std::this_thread::yield();
        }
        over->store(true);
        if (over.use_count() != 1) std::abort();
      }
    });
  }
  {
    std::vector<std::jthread> producers;
    for (std::uint32_t producer = 0; producer < 4; ++producer) {
      producers.emplace_back([&bus, producer, each] {
        Publisher publisher = bus.publisher();
        for (std::uint32_t serial = 0; serial < each; ++serial) {
          if (!publisher.publish(Numbered{producer, serial})) std::abort();
        }
      });
    }
  }
  storm.store(false);
  stormers.clear();
  stop_drained(bus);
  EXPECT_EQ(stays.wrong, 0U);
  for (std::uint32_t producer = 0; producer < 4; ++producer) EXPECT_EQ(stays.next[producer], each);
}

}  // namespace
}  // namespace headrace
