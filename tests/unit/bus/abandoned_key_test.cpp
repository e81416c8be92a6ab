#include "abandoned_key.hpp"

#include <gtest/gtest.h>

#include "headrace/delivery/memory_dead_letter_store.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

AbandonedKeys with_one_store() {
  return {[store = std::make_shared<MemoryDeadLetterStore>()] { return store; }};
}

// Claim:  with park_key no later event of a key runs ahead of those that waited when the bus stopped; they are
//         redriven in the order published.
// Method: eight keys with an event that waits for its next try and two behind it; a second bus on the same store.
TEST(AbandonedKey, StaysParkedOverAStop) {
  with_one_store().hold_their_order({.ordered = true, .retry = fixed(1h), .park_key = true});
}

// Claim:  the same, where some of them wait for an open breaker.
// Method: it opens at the fourth failure, in the middle of the first event of each key.
TEST(AbandonedKey, StaysParkedWhenItsEventsStoodInTheLine) {
  SubscribeOptions how{.ordered = true, .retry = fixed(1h), .park_key = true};
  how.breaker = CircuitBreakerOptions{.failures_in_a_row = 4, .open_for = 1h};
  with_one_store().hold_their_order(how);
}

// Claim:  what waits for the dead-letter store when the bus stops goes ahead of what is tried again.
// Method: without park_key: one letter waits for a store that is full; another event of its key for its next try.
//         Then there is room for both.
TEST(AbandonedKey, LettersThatWaitGoFirst) {
  const auto store = std::make_shared<MemoryDeadLetterStore>(
      MemoryDeadLetterOptions{.letters_max = 2, .when_full = WhenFull::refuse});
  Timed timed({.dead_letters = store});
  const auto sub = timed.bus.subscribe<Tick>({.ordered = true, .retry = fixed(1h)}, [](const Tick& e) -> Outcome {
    return e.value == 3 ? retry() : dead_letter("no");
  });
  for (std::uint64_t value = 0; value <= 3; ++value) ASSERT_TRUE(timed.bus.publish(Tick{1, value}));
  timed.run();
  ASSERT_EQ(timed.bus.dead_letters().discard({}).value(), 2U);
  static_cast<void>(timed.bus.stop(0ms));
  std::vector<std::uint64_t> values;
  const auto listed = store->list({}, 10);
  for (const DeadLetter& letter : *listed) values.push_back(letter.event.as<Tick>()->value);
  EXPECT_EQ(values, (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(store->parked_keys()->size(), 0U);
}

// Claim:  an event whose key its handler had parked goes behind the letter that parks it, though its subscription
//         has no park_key.
// Method: one event waits for its next try while a later one is parked; then the bus stops.
TEST(AbandonedKey, JoinsAKeyThatItsHandlerParked) {
  const auto store = std::make_shared<MemoryDeadLetterStore>();
  Timed timed({.dead_letters = store});
  const auto sub = timed.bus.subscribe<Tick>({.name = "ledger", .retry = fixed(1h)}, [](const Tick& e) -> Outcome {
    return e.value == 1 ? retry() : park("look at it");
  });
  for (std::uint64_t value = 1; value <= 2; ++value) ASSERT_TRUE(timed.bus.publish(Tick{7, value}));
  timed.run();
  static_cast<void>(timed.bus.stop(0ms));
  EXPECT_EQ(store->parked("ledger", "7").value(), 2U);
}

}  // namespace
}  // namespace headrace
