#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "gate.hpp"
#include "headrace/bus/bus.hpp"
#include "settle.hpp"
#include "stress_events.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct HangingStep {
  std::uint32_t key;
  std::uint32_t serial;
};
HEADRACE_EVENT(HangingStep, "stress.hanging_step", key(key), key, serial)

struct Echo {
  std::uint32_t key;
};
HEADRACE_EVENT(Echo, "stress.echo", key)

/// What the handler knows of a key. Calls of one key come after each other, whichever thread runs them.
struct alignas(64) Walker {
  std::uint32_t next = 0;   ///< serial
  std::uint32_t calls = 0;  ///< of the present one
  std::uint32_t wrong = 0;
  std::atomic<std::uint32_t> echoes{0};
};

// Claim:  however many handlers hang, one after another and some at a time, each key's events are handled in the order
//         published, each once; what hangs comes back with any outcome; nothing is lost or settled twice.
// Method: two producers, two workers. One event in fifty waits in its handler for an echo that only the same worker can
//         give, so that no such call ends unless the worker has changed threads; some fail then. Every serial number is
//         checked in memory that TSan would see raced for.
TEST(DeliveryStress, OrderHoldsWhileHandlersHang) {
  constexpr std::uint32_t kStepProducers = 2;
  constexpr std::uint32_t kStepKeys = 64;
  const auto each = static_cast<std::uint32_t>(stress_events() / 10'000 / kStepKeys) + 3;
  Bus bus({.workers = 2, .lane_bytes = 1 << 16, .stand_ins_max = 2});
  std::vector<Walker> walkers(kStepKeys * kStepProducers);
  constexpr std::array<const char*, 2> kEchoes{"stress.echo.0", "stress.echo.1"};
  std::vector<Subscription> subscriptions;
  for (int worker = 0; worker < 2; ++worker) {
    subscriptions.push_back(
        bus.subscribe<Echo>({.filter = kEchoes[static_cast<std::size_t>(worker)], .worker = worker},
                            [&](const Echo& echo) { ++walkers[echo.key].echoes; }));
  }
  std::atomic<std::uint32_t> hung{0};
  const SubscribeOptions options{.placement = Placement::sharded,
                                 .ordered = true,
                                 .retry = fixed(200us, 2),
                                 .handler_limit = 1ms,
                                 .on_overrun = OnOverrun::move_shards};
  subscriptions.push_back(bus.subscribe<HangingStep>(options, [&](const HangingStep& step, Context& context) -> Outcome {
    Walker& walker = walkers[step.key];
    walker.wrong += step.serial == walker.next ? 0 : 1;
    const std::uint64_t dice = mix64(std::uint64_t{step.serial} << 32 | step.key) % 200;
    if (walker.calls++ == 0 && dice < 4) {
      const std::uint32_t before = walker.echoes.load();
      if (!context.publish(kEchoes[context.worker()], Echo{step.key})) ++walker.wrong;
      yield_until([&] { return walker.echoes.load() != before; });
      ++hung;
      if (dice == 0) return retry("late");
      if (dice == 1) throw std::runtime_error("late");
    }
    walker.calls = 0;
    ++walker.next;
    return done();
  }));
  bus.start();
  std::vector<std::thread> producers;
  for (std::uint32_t producer = 0; producer < kStepProducers; ++producer) {
    producers.emplace_back([&, producer] {
      Publisher publisher = bus.publisher();
      for (std::uint32_t serial = 0; serial < each; ++serial) {
        for (std::uint32_t key = 0; key < kStepKeys; ++key) {
          EXPECT_TRUE(publisher.publish(HangingStep{producer * kStepKeys + key, serial}));
        }
      }
    });
  }
  for (std::thread& producer : producers) producer.join();
  const Ledger ledger = stop_drained(bus);
  for (const Walker& walker : walkers) {
    EXPECT_EQ(walker.next, each);
    EXPECT_EQ(walker.wrong, 0U);
  }
  EXPECT_GT(hung, 0U);
  EXPECT_EQ(ledger.published, ledger.handled);
  EXPECT_EQ(ledger.handled, std::uint64_t{each} * walkers.size() + hung);
}

}  // namespace
}  // namespace headrace
