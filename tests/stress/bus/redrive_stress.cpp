#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "headrace/bus/bus.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "settle.hpp"
#include "stress_events.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

struct Lap {
  std::uint32_t key;
  std::uint32_t serial;
};
HEADRACE_EVENT(Lap, "stress.lap", key(key), key, serial)

/// What the handler knows of a key. Only the worker that has the key touches it.
struct alignas(16) Runner {
  std::uint32_t next = 0;   ///< serial
  std::uint32_t calls = 0;  ///< of the present one
  std::uint32_t wrong = 0;
};

/// Of a thousand events nine fail once, and one fails until it is a dead letter and comes back.
std::uint32_t calls_that_fail(const Lap& lap) {
  const std::uint64_t dice = mix64(std::uint64_t{lap.serial} << 32 | lap.key) % 1000;
  return dice == 0 ? 2 : dice < 10 ? 1 : 0;
}

// Claim:  each key's events are handled in the order published, each once, while one in a hundred fails: through
//         retries, through dead letters with all that goes behind them, and through redrives that run all the time.
// Method: three producers, two workers, 1536 keys, the handler checks every serial number; an operator redrives
//         whatever is there until nothing is. HEADRACE_STRESS_EVENTS=1000000000 makes it 10^7 events.
TEST(DeliveryStress, OrderHoldsThroughDeadLettersAndRedrives) {
  constexpr std::uint32_t kLapProducers = 3;
  constexpr std::uint32_t kLapKeys = 1536;
  constexpr std::uint64_t kLettersEnough = 20'000;  // producers wait for the operator
  const auto each = static_cast<std::uint32_t>(stress_events() / 100 / kLapKeys) + 1;
  const auto store = std::make_shared<MemoryDeadLetterStore>(MemoryDeadLetterOptions{.letters_max = 1'000'000});
  Bus bus({.workers = 2, .lane_bytes = 1 << 16}, {.dead_letters = store});
  std::vector<Runner> runners(kLapKeys);
  const auto sub = bus.subscribe<Lap>(
      {.placement = Placement::sharded, .ordered = true, .retry = fixed(200us, 2), .park_key = true},
      [&](const Lap& lap) -> Outcome {
        Runner& runner = runners[lap.key];
        runner.wrong += lap.serial == runner.next ? 0 : 1;
        if (runner.calls++ < calls_that_fail(lap)) return retry();
        runner.calls = 0;
        ++runner.next;
        return done();
      });
  bus.start();
  std::atomic<std::uint32_t> publishing{kLapProducers};
  std::vector<std::jthread> producers;
  for (std::uint32_t producer = 0; producer < kLapProducers; ++producer) {
    producers.emplace_back([&, producer] {
      Publisher publisher = bus.publisher();
      for (std::uint32_t serial = 0; serial < each; ++serial) {
        yield_until([&] { return store->counts()->stored < kLettersEnough; });
        for (std::uint32_t key = producer; key < kLapKeys; key += kLapProducers) {
          if (!publisher.publish(Lap{key, serial})) std::abort();
        }
      }
      publishing.fetch_sub(1);
    });
  }
  std::uint64_t redriven = 0;
  const auto redrive_all = [&] {
    const auto run = bus.dead_letters().redrive(DeadLetterFilter{});
    yield_until([&] { return run->report().finished; });
    EXPECT_EQ(run->report().error, "");
    redriven += run->report().handled + run->report().returned;
  };
  while (publishing.load() > 0) redrive_all();
  while (settle(bus).dead_lettered > 0 && store->counts()->stored > 0) redrive_all();
  const Ledger ledger = stop_drained(bus);
  EXPECT_EQ(ledger.handled, std::uint64_t{each} * kLapKeys);
  EXPECT_EQ(ledger.published, ledger.handled + redriven);
  EXPECT_EQ(ledger.dead_lettered, redriven);
  EXPECT_EQ(store->counts()->stored, 0U);
  for (const Runner& runner : runners) {
    ASSERT_EQ(runner.wrong, 0U);
    ASSERT_EQ(runner.next, each);
  }
}

}  // namespace
}  // namespace headrace
