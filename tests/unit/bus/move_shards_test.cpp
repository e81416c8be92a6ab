#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "events.hpp"
#include "gate.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/delivery/memory_dead_letter_store.hpp"
#include "settle.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

SubscribeOptions moving(Placement placement = Placement::pinned) {
  return {.name = "hangs", .placement = placement, .handler_limit = 1ms, .on_overrun = OnOverrun::move_shards};
}

/// A worker beside whose hanging handler a neighbour counts Tocks.
struct Neighbours {
  explicit Neighbours(DispatcherOptions options = {.workers = 1}, DeliveryDefaults defaults = {})
      : bus(std::move(options), std::move(defaults)) {}
  /// The worker does something else; its handler has run when this returns.
  void tock() {
    const int before = tocks.load();
    ASSERT_TRUE(publisher.publish(Tock{}));
    yield_until([&] { return tocks.load() > before; });
  }

  Gate gate;
  std::atomic<int> tocks{0};
  std::atomic<int> ticks{0};
  Bus bus;
  Subscription neighbour = bus.subscribe<Tock>([this](const Tock&) { ++tocks; });
  Publisher publisher = bus.publisher();
};

// Claim:  while a handler hangs beyond its limit, other subscriptions of its worker get their events; the report says
//         that it was left behind; when it comes back its event is handled, once.
// Method: one worker; the handler holds until the neighbour has had three events.
TEST(MoveShards, OtherSubscriptionsFlowWhileOneHangs) {
  Neighbours at;
  const auto sub = at.bus.subscribe<Tick>(moving(), [&](const Tick&) { at.gate.pass(); });
  at.bus.start();
  ASSERT_TRUE(at.publisher.publish(Tick{.key = 5}));
  at.gate.await_arrivals();
  for (int i = 0; i < 3; ++i) at.tock();
  const auto slow = at.bus.slow_handlers();
  ASSERT_EQ(slow.size(), 1U);
  EXPECT_EQ(slow[0].subscription, "hangs");
  EXPECT_EQ(slow[0].key, "5");
  EXPECT_TRUE(slow[0].left_behind);
  yield_until([&] { return at.bus.snapshot().ledger.in_flight == 1; });  // the last Tock has left
  at.gate.open();
  EXPECT_EQ(settle(at.bus), (Ledger{.published = 4, .handled = 4}));
  EXPECT_TRUE(at.bus.slow_handlers().empty());
  EXPECT_EQ(stop_drained(at.bus), (Ledger{.published = 4, .handled = 4}));
}

// Claim:  a pinned subscription's handler never runs beside itself: its later events wait for the call that hangs, and
//         then come in their order.
// Method: three events, the first of which hangs, before the neighbour's.
TEST(MoveShards, PinnedEventsWaitForTheirOwnHandler) {
  Neighbours at;
  std::vector<std::uint64_t> seen;
  const auto sub = at.bus.subscribe<Tick>(moving(), [&](const Tick& tick) {
    if (tick.value == 0) at.gate.pass();
    seen.push_back(tick.value);
    ++at.ticks;
  });
  at.bus.start();
  for (std::uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(at.publisher.publish(Tick{.key = i, .value = i}));
  at.gate.await_arrivals();
  for (int i = 0; i < 3; ++i) at.tock();
  EXPECT_EQ(at.ticks, 0);
  at.gate.open();
  EXPECT_EQ(stop_drained(at.bus).handled, 6U);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{0, 1, 2}));
}

// Claim:  of a sharded subscription other keys flow while one hangs; later events of that key wait.
// Method: the first event of key 1 hangs; then one of key 2 is handled, and the second of key 1 is not.
TEST(MoveShards, OtherKeysOfAShardedGroupFlow) {
  Neighbours at;
  std::atomic<int> of_key_one{0};
  const auto sub = at.bus.subscribe<Tick>(moving(Placement::sharded), [&](const Tick& tick) {
    if (tick.key == 1 && tick.value == 0) at.gate.pass();
    if (tick.key == 1) ++of_key_one;
    ++at.ticks;
  });
  at.bus.start();
  ASSERT_TRUE(at.publisher.publish(Tick{.key = 1, .value = 0}));
  ASSERT_TRUE(at.publisher.publish(Tick{.key = 1, .value = 1}));
  ASSERT_TRUE(at.publisher.publish(Tick{.key = 2, .value = 0}));
  yield_until([&] { return at.ticks.load() == 1; });
  at.tock();
  EXPECT_EQ(of_key_one, 0);
  at.gate.open();
  EXPECT_EQ(stop_drained(at.bus).handled, 4U);
  EXPECT_EQ(of_key_one, 2);
}

// Claim:  whatever a call that was left behind answers is settled once: retry comes again as the second attempt, an
//         exception as its policy says, a dead letter is in the store.
// Method: a call that hangs and then answers each; the ledger and the attempts.
TEST(MoveShards, LateOutcomesAreSettledOnce) {
  enum class Answer { retry, exception, dead_letter };
  for (const Answer answer : {Answer::retry, Answer::exception, Answer::dead_letter}) {
    auto letters = std::make_shared<MemoryDeadLetterStore>();
    Neighbours at({.workers = 1}, {.dead_letters = letters});
    std::vector<std::uint32_t> attempts;
    SubscribeOptions options = moving();
    options.ordered = true;
    options.retry = immediate(2);
    const auto sub = at.bus.subscribe<Tick>(options, [&](const Tick&, Context& context) -> Outcome {
      attempts.push_back(context.attempt());
      if (context.attempt() == 2) return done();
      at.gate.pass();
      if (answer == Answer::exception) throw std::runtime_error("late");
      return answer == Answer::retry ? retry("late") : dead_letter("late");
    });
    at.bus.start();
    ASSERT_TRUE(at.publisher.publish(Tick{}));
    at.gate.await_arrivals();
    at.tock();
    at.gate.open();
    const Ledger ledger = stop_drained(at.bus);
    if (answer == Answer::dead_letter) {
      EXPECT_EQ(ledger, (Ledger{.published = 2, .handled = 1, .dead_lettered = 1}));
      EXPECT_EQ(attempts, (std::vector<std::uint32_t>{1}));
    } else {
      EXPECT_EQ(ledger, (Ledger{.published = 2, .handled = 2}));
      EXPECT_EQ(attempts, (std::vector<std::uint32_t>{1, 2}));
    }
  }
}

// Claim:  a handler publishes before and after it was left behind, by its context and by the bus, and all arrives; as any
//         handler it may while the bus stops.
// Method: two events to the neighbour before the gate, two behind it, which opens when the bus takes nothing from outside.
TEST(MoveShards, PublishesWhenItWasLeftBehind) {
  Neighbours at;
  const auto sub = at.bus.subscribe<Tick>(moving(), [&](const Tick&, Context& context) {
    const auto both = [&] {
      EXPECT_TRUE(context.publish(Tock{}));
      EXPECT_TRUE(at.bus.publish(Tock{}));
    };
    both();
    at.gate.pass();
    both();
  });
  at.bus.start();
  ASSERT_TRUE(at.publisher.publish(Tick{}));
  at.gate.await_arrivals();
  yield_until([&] { return at.tocks.load() == 2; });  // by the thread that stands in
  std::thread stopping([&] { EXPECT_EQ(stop_drained(at.bus).handled, 5U); });
  yield_until([&] { return at.publisher.publish(Large{}).status() == PublishStatus::closed; });
  at.gate.open();
  stopping.join();
  EXPECT_EQ(at.tocks, 4);
}

// Claim:  the thread that stands in is left behind in its turn, and all other keys flow; but no more threads than
//         stand_ins_max: then the worker waits for its handler, which is reported all the same.
// Method: three keys hang one after the other where two may; the report of the third comes twice and says that it was
//         not left behind, and nothing moves until it returns.
TEST(MoveShards, StandInsHangInTheirTurnUpToALimit) {
  std::atomic<int> told_of_third{0};
  std::atomic<bool> third_left_behind{false};
  Neighbours at({.workers = 1, .stand_ins_max = 2}, {.on_slow_handler = [&](const SlowHandler& slow) {
                  if (slow.key != "3") return;
                  if (slow.left_behind) third_left_behind = true;
                  ++told_of_third;
                }});
  Gate third;
  const auto sub = at.bus.subscribe<Tick>(moving(Placement::sharded), [&](const Tick& tick) {
    (tick.key == 3 ? third : at.gate).pass();
    ++at.ticks;
  });
  at.bus.start();
  ASSERT_TRUE(at.publisher.publish(Tick{.key = 1}));
  at.tock();
  ASSERT_TRUE(at.publisher.publish(Tick{.key = 2}));
  at.gate.await_arrivals(2);
  at.tock();
  ASSERT_TRUE(at.publisher.publish(Tick{.key = 3}));
  third.await_arrivals();
  yield_until([&] { return told_of_third.load() >= 2; });
  EXPECT_FALSE(third_left_behind);
  third.open();
  at.tock();
  at.gate.open();
  EXPECT_EQ(stop_drained(at.bus).handled, 6U);
  EXPECT_EQ(at.ticks, 3);
}

// Claim:  when threads that were left behind have come back, others may be.
// Method: with room for one, three calls hang one after the other.
TEST(MoveShards, ThreadsThatCameBackAreNotCounted) {
  Neighbours at({.workers = 1, .stand_ins_max = 1});
  Gate gates[3];
  const auto sub = at.bus.subscribe<Tick>(moving(), [&](const Tick& tick) {
    gates[tick.value].pass();
    ++at.ticks;
  });
  at.bus.start();
  for (std::uint64_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(at.publisher.publish(Tick{.value = i}));
    gates[i].await_arrivals();
    at.tock();
    gates[i].open();
    yield_until([&] { return at.ticks.load() == static_cast<int>(i) + 1; });
  }
  EXPECT_EQ(stop_drained(at.bus), (Ledger{.published = 6, .handled = 6}));
}

// Claim:  stop() names a handler that was left behind and did not return; its event is in flight, and settled when the
//         bus has waited for it.
// Method: stop with no time left; then open the gate and let the bus wait.
TEST(MoveShards, StopNamesAHandlerThatHangs) {
  Neighbours at;
  const auto sub = at.bus.subscribe<Tick>(moving(), [&](const Tick&) { at.gate.pass(); });
  at.bus.start();
  ASSERT_TRUE(at.publisher.publish(Tick{}));
  ASSERT_TRUE(at.publisher.publish(Tick{}));
  at.gate.await_arrivals();
  at.tock();
  const StopReport report = at.bus.stop(0ns);
  EXPECT_FALSE(report.drained);
  EXPECT_EQ(report.stuck, (std::vector<std::string>{"hangs"}));
  EXPECT_EQ(report.ledger, (Ledger{.published = 3, .handled = 1, .in_flight = 2}));
  at.gate.open();
  at.bus.dispatcher().shut_down();
  EXPECT_EQ(at.bus.snapshot().ledger, (Ledger{.published = 3, .handled = 2, .dropped = 1}));
}

// Claim:  what finds no room behind a call that hangs goes as WhenRoomFull says: dropped, or into the dead letters.
// Method: five events behind it where two may wait, each way; what went is counted while it hangs.
TEST(MoveShards, NoRoomBehindACallThatHangs) {
  for (const WhenRoomFull when_full : {WhenRoomFull::drop, WhenRoomFull::dead_letter}) {
    const auto letters = std::make_shared<MemoryDeadLetterStore>();
    Neighbours at({.workers = 1}, {.dead_letters = letters});
    SubscribeOptions options = moving();
    options.waiting = {.events_max = 2, .when_full = when_full};
    const auto sub = at.bus.subscribe<Tick>(options, [&](const Tick&) { at.gate.pass(); });
    at.bus.start();
    ASSERT_TRUE(at.publisher.publish(Tick{}));
    at.gate.await_arrivals();
    at.tock();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(at.publisher.publish(Tick{}));
    yield_until([&] {
      const Ledger ledger = at.bus.snapshot().ledger;
      return ledger.dropped + ledger.dead_lettered == 3;
    });
    at.gate.open();
    const bool drops = when_full == WhenRoomFull::drop;
    EXPECT_EQ(
        stop_drained(at.bus),
        (Ledger{.published = 7, .handled = 4, .dropped = drops ? 3U : 0U, .dead_lettered = drops ? 0U : 3U}));
  }
}

// Claim:  with WhenRoomFull::block nothing is lost: the worker reads no further until the call returns.
// Method: more events than may wait, in a lane that holds them; then the gate opens.
TEST(MoveShards, FullRoomBlocksAndLosesNothing) {
  Neighbours at;
  SubscribeOptions options = moving();
  options.waiting = {.events_max = 2};
  const auto sub = at.bus.subscribe<Tick>(options, [&](const Tick&) { at.gate.pass(); });
  at.bus.start();
  ASSERT_TRUE(at.publisher.publish(Tick{}));
  at.gate.await_arrivals();
  at.tock();
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(at.publisher.publish(Tick{}));
  at.gate.open();
  EXPECT_EQ(stop_drained(at.bus), (Ledger{.published = 502, .handled = 502}));
}

// Claim:  a Subscription that ends waits for its handler, wherever that runs.
// Method: end it on another thread while a call is left behind; what the handler did last is seen.
TEST(MoveShards, EndingWaitsForAHandlerThatWasLeftBehind) {
  Neighbours at;
  bool returned = false;  // written by the handler, read after the end: a race, were there no order
  Subscription sub = at.bus.subscribe<Tick>(moving(), [&](const Tick&) {
    at.gate.pass();
    returned = true;
  });
  at.bus.start();
  ASSERT_TRUE(at.publisher.publish(Tick{}));
  ASSERT_TRUE(at.publisher.publish(Tick{}));
  at.gate.await_arrivals();
  at.tock();
  std::atomic<bool> ends{false};
  std::thread ending([&] {
    ends = true;
    sub.end();
    EXPECT_TRUE(returned);
  });
  yield_until([&] { return ends.load(); });
  at.tock();
  at.gate.open();
  ending.join();
  EXPECT_EQ(stop_drained(at.bus), (Ledger{.published = 4, .handled = 3, .dropped = 1}));
}

// Claim:  a handler that was left behind may end its own subscription, and others.
// Method: both, behind the gate; later events go to nobody.
TEST(MoveShards, EndsItsOwnSubscriptionWhenItWasLeftBehind) {
  Neighbours at;
  std::optional<Subscription> other = at.bus.subscribe<Large>([](const Large&) {});
  std::optional<Subscription> sub;
  auto alive = std::make_shared<int>(1);
  const std::weak_ptr<int> handler = alive;
  sub = at.bus.subscribe<Tick>(moving(), [&, alive = std::move(alive)](const Tick&) {
    at.gate.pass();
    other.reset();
    sub.reset();
  });
  at.bus.start();
  ASSERT_TRUE(at.publisher.publish(Tick{}));
  at.gate.await_arrivals();
  at.tock();
  at.gate.open();
  yield_until([&] { return handler.expired(); });
  EXPECT_EQ(at.publisher.publish(Tick{}).status(), PublishStatus::unrouted);
  EXPECT_EQ(stop_drained(at.bus), (Ledger{.published = 3, .handled = 2, .unrouted = 1}));
}

}  // namespace
}  // namespace headrace
