#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "events.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "headrace/delivery/memory_dedup_store.hpp"
#include "settle.hpp"
#include "timed.hpp"

namespace headrace {
namespace {

using namespace std::chrono_literals;
using test::Named;
using test::stop_drained;
using test::Tick;
using test::Timed;

/// Two ticks of one value are the same, whoever published them under which id and key.
SubscribeOptions once_a_value() {
  SubscribeOptions how;
  how.deduplicated = Deduplicated{.by = dedup_by<Tick>([](const Tick& tick) { return tick.value; })};
  return how;
}

// Claim:  with a function, what it answers decides which events are copies, and neither their ids, keys nor topics do.
// Method: one value under two ids, keys and topics; another value under the first one's id.
TEST(DedupByFunction, SameAnswerIsTheSameEvent) {
  Timed timed;
  std::vector<std::uint64_t> seen;
  SubscribeOptions how = once_a_value();
  how.filter = "test.#";
  const auto sub = timed.bus.subscribe<Tick>(how, [&](const Tick& tick) { seen.push_back(tick.value); });
  timed.bus.start();
  const EventId id = EventId::make();
  ASSERT_TRUE(timed.bus.publish(Tick{1, 5}, {.id = id}));
  ASSERT_TRUE(timed.bus.publish(Tick{2, 5}, {.id = EventId::make()}));
  ASSERT_TRUE(timed.bus.publish("test.other", Tick{1, 5}));
  ASSERT_TRUE(timed.bus.publish(Tick{1, 6}, {.id = id}));
  timed.run();
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{5, 6}));
  EXPECT_EQ(timed.bus.snapshot().subscriptions.at(0).copies, 2U);
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 4, .handled = 2, .dropped = 2}));
}

// Claim:  texts, ids and keys are identities as well, and what has none is no copy of anything; a shared store tells
//         copies apart for all workers of a balanced group.
// Method: a name that comes twice on two workers, an empty one that comes twice.
TEST(DedupByFunction, TextIsAnIdentityAndNothingIsNone) {
  Timed timed({}, {.polled_workers = 2});
  std::vector<std::string> seen;
  SubscribeOptions how;
  how.placement = Placement::balanced;
  how.deduplicated = Deduplicated{.store = std::make_shared<MemoryDedupStore>(),
                                  .by = dedup_by<Named>([](const Named& named) {
                                    return named.name.empty() ? std::nullopt : std::optional(named.name);
                                  })};
  const auto sub = timed.bus.subscribe<Named>(how, [&](const Named& named) { seen.push_back(named.name); });
  timed.bus.start();
  for (const char* name : {"ada", "", "ada", "", "bob"}) {
    ASSERT_TRUE(timed.bus.publish(Named{name}));
    timed.run();
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"ada", "", "", "bob"}));
  const auto of = [](auto answer) { return dedup_by<Tick>([answer](const Tick&) { return answer; }); };
  const Tick tick;
  const EventId id = EventId::make();
  EXPECT_EQ(of(id).key(&tick), DedupKey::of(id));
  EXPECT_EQ(of(DedupKey{1, 2}).key(&tick), (DedupKey{1, 2}));
  EXPECT_EQ(of("x").key(&tick), DedupKey::of("x"));
  EXPECT_NE(of(-1).key(&tick), of(255).key(&tick));
  EXPECT_NE(of(std::uint64_t{1} << 40).key(&tick), of(0).key(&tick));
}

// Claim:  retries and redrives of an event are no copies of it, and a copy waits for them; whether it has an id or not.
// Method: the first try fails, then the event is given up; a copy comes while it waits; then it is redriven.
TEST(DedupByFunction, RetryAndRedriveRun) {
  for (const EventId id : {EventId{}, EventId::make()}) {
    Timed timed({.dead_letters = std::make_shared<MemoryDeadLetterStore>()});
    bool is_down = true;
    std::uint64_t calls = 0;
    std::vector<std::uint64_t> done_keys;
    SubscribeOptions how = once_a_value();
    how.retry = RetryPolicy::fixed(10ms, 2);
    how.deduplicated->when_in_progress = WhenInProgress::drop;
    const auto sub = timed.bus.subscribe<Tick>(how, [&](const Tick& tick) -> Outcome {
      ++calls;
      if (is_down) return retry("down");
      done_keys.push_back(tick.key);
      return done();
    });
    timed.bus.start();
    const auto publish = [&](const Tick& tick, const EventId& as) {
      ASSERT_TRUE(id ? timed.bus.publish(tick, {.id = as}) : timed.bus.publish(tick));
      timed.run();
    };
    publish(Tick{1, 5}, id);
    publish(Tick{2, 5}, EventId::make());  // a copy of what waits for its next try
    EXPECT_EQ(calls, 1U);
    timed.advance(11ms);
    EXPECT_EQ(calls, 2U);
    is_down = false;
    const auto run = timed.bus.dead_letters().redrive(DeadLetterFilter{});
    timed.run();
    EXPECT_EQ(run->report().handled, 1U);
    publish(Tick{3, 5}, EventId::make());
    EXPECT_EQ(done_keys, (std::vector<std::uint64_t>{1}));
  }
}

// Claim:  a function that throws is a failure of its event: the policy decides, and the events of its span go on.
// Method: one of three in a span throws; exceptions go to the dead letters.
TEST(DedupByFunction, ThrowingFunctionFailsItsEventAlone) {
  const auto letters = std::make_shared<MemoryDeadLetterStore>();
  Timed timed({.dead_letters = letters});
  std::vector<std::uint64_t> seen;
  SubscribeOptions how;
  how.deduplicated = Deduplicated{.by = dedup_by<Tick>([](const Tick& tick) {
                                    if (tick.value == 1) throw std::invalid_argument("no invoice");
                                    return tick.value;
                                  })};
  const auto sub = timed.bus.subscribe<Tick>(how, [&](std::span<const Tick> ticks) {
    for (const Tick& tick : ticks) seen.push_back(tick.value);
  });
  timed.bus.start();
  Publisher publisher = timed.bus.publisher();
  for (std::uint64_t value : {0U, 1U, 2U, 0U}) ASSERT_TRUE(publisher.publish(Tick{1, value}));
  timed.run();
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{0, 2}));
  const auto kept = letters->list({}, 10);
  ASSERT_EQ(kept->size(), 1U);
  EXPECT_EQ(kept->front().reason, "no invoice");
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 4, .handled = 2, .dropped = 1, .dead_lettered = 1}));
}

// Claim:  a function of another type, and one beside by_key, are refused when the program subscribes.
// Method: both.
TEST(DedupByFunction, WrongOptionsAreRefused) {
  Bus bus{{.workers = 0}};
  const auto subscribe = [&](Deduplicated how) {
    static_cast<void>(bus.subscribe<Named>({.deduplicated = std::move(how)}, [](const Named&) {}));
  };
  EXPECT_THROW(subscribe(*once_a_value().deduplicated), ConfigError);
  EXPECT_THROW(subscribe({.by_key = true, .by = dedup_by<Named>([](const Named& named) { return named.name; })}),
               ConfigError);
}

}  // namespace
}  // namespace headrace
