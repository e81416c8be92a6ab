#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "counted.hpp"
#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "settle.hpp"
#include "timed.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

// Claim:  events are published when their time has come, not before, and in the order of their times; those of one
//         key and one time in the order scheduled; from handlers, too.
// Method: delays out of order, a time of the wall clock, and a handler that schedules, by a clock set by hand.
TEST(ScheduledEvents, ArePublishedAtTheirTime) {
  Timed timed;
  std::vector<std::uint64_t> seen;
  const auto sub = timed.bus.subscribe<Tick>([&](const Tick& e) {
    seen.push_back(e.value);
    if (e.value == 1) {
      ASSERT_TRUE(timed.bus.publish_after(5ms, Tick{0, 10}));
    }
  });
  ASSERT_TRUE(timed.bus.publish_after(20ms, Tick{0, 2}));
  ASSERT_TRUE(timed.bus.publish_after(20ms, Tick{0, 3}));
  const ScheduledEvent first = timed.bus.publish_after(10ms, Tick{0, 1});
  ASSERT_TRUE(timed.bus.publish_at(EventTime(std::chrono::nanoseconds(timed.now_ns)) + 30ms, Tick{0, 4}));
  timed.advance(9ms);
  EXPECT_TRUE(seen.empty());
  EXPECT_TRUE(first.pending());
  timed.advance(1ms);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1}));
  EXPECT_FALSE(first.pending());
  timed.advance(5ms);
  timed.advance(5ms);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{1, 10, 2, 3}));
  timed.advance(10ms);
  EXPECT_EQ(seen.back(), 4U);
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 5, .handled = 5}));
}

struct SeenMeta {
  std::uint64_t value;
  EventMeta meta;
};

// Claim:  what a handler schedules stays in its event's transaction: it carries the correlation on and names the event as
//         its cause, delayed, at a time, and in each period; options that say something themselves are heard.
// Method: an event with an id has three more scheduled, and one with options, by its handler; what they carry is compared.
TEST(ScheduledEvents, CarryCorrelationAndCause) {
  Timed timed;
  std::vector<SeenMeta> seen;
  const EventId first = EventId::of(1, 2, 3);
  const EventId order = EventId::of(1, 2, 4);
  const EventId own = EventId::of(1, 2, 5);
  const auto sub = timed.bus.subscribe<Tick>([&](const Tick& e, Context& context) {
    ASSERT_NE(context.meta(), nullptr) << e.value;
    seen.push_back({e.value, *context.meta()});
    if (e.value != 0) return;
    const EventTime now(std::chrono::nanoseconds(timed.now_ns));
    ASSERT_TRUE(timed.bus.publish_after(context, 1ms, Tick{0, 1}));
    ASSERT_TRUE(timed.bus.publish_at(context, now + 2ms, Tick{0, 2}));
    ASSERT_TRUE(timed.bus.publish_after(context, 3ms, Tick{0, 3}, {.id = own, .causation = own}));
    ASSERT_TRUE(timed.bus.publish_every(context, 4ms, Tick{0, 4}));
  });
  ASSERT_TRUE(timed.bus.publish_after(1ms, Tick{0, 0}, {.id = first, .correlation = order}));
  timed.advance(1ms);
  for (int i = 0; i < 8; ++i) timed.advance(1ms);
  ASSERT_EQ(seen.size(), 6U);
  EXPECT_EQ(seen[0].meta.id, first);
  std::vector<EventId> ids{first};
  for (std::size_t i = 1; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i].meta.correlation, order) << i;
    EXPECT_EQ(seen[i].meta.causation, seen[i].value == 3 ? own : first) << i;
    for (const EventId& id : ids) EXPECT_NE(seen[i].meta.id, id) << i;
    ids.push_back(seen[i].meta.id);
  }
  EXPECT_EQ(seen[3].meta.id, own);
  static_cast<void>(timed.bus.stop(0ms));
}

// Claim:  a scheduled event's time to live begins when it is published.
// Method: one that lives a millisecond, due after ten, is handled at once by a subscription that looks at the clock.
TEST(ScheduledEvents, LiveFromWhenTheyArePublished) {
  Timed timed;
  std::uint64_t handled = 0;
  const auto sub = timed.bus.subscribe<Tick>({.when_expired = WhenExpired::drop}, [&](const Tick&) { ++handled; });
  ASSERT_TRUE(timed.bus.publish_after(10ms, Tick{0, 1}, {.expires_after = 1ms}));
  timed.advance(10ms);
  EXPECT_EQ(handled, 1U);
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 1, .handled = 1}));
}

// Claim:  a cancelled event is not published, one that was published cannot be cancelled, and either says so;
//         move-only events are destroyed.
// Method: one of each; then another is left to the end of the bus.
TEST(ScheduledEvents, CanBeCancelled) {
  {
    Timed timed;
    std::uint64_t seen = 0;
    const auto sub = timed.bus.subscribe<Counted>([&](const Counted& e) { seen += *e.value; });
    ScheduledEvent goes = timed.bus.publish_after(1ms, Counted(1));
    ScheduledEvent stays = timed.bus.publish_after(1ms, Counted(2));
    ASSERT_TRUE(timed.bus.publish_after(1h, Counted(3)));
    EXPECT_TRUE(stays.cancel());
    EXPECT_FALSE(stays.cancel());
    timed.advance(2ms);
    EXPECT_EQ(seen, 1U);
    EXPECT_FALSE(goes.cancel());
    const StopReport report = timed.bus.stop(0ms);
    EXPECT_TRUE(report.drained);
    EXPECT_EQ(report.scheduled, 1U);
    EXPECT_EQ(timed.bus.publish_after(1ms, Counted(4)).status(), PublishStatus::closed);
  }
  EXPECT_EQ(Counted::alive.load(), 0);
}

// Claim:  a cancel that answers true took the event back, whenever it comes; one that answers false came too late.
// Method: a thousand events that are due at once, each cancelled while a worker publishes.
TEST(ScheduledEvents, CancelAndWorkerAgree) {
  constexpr std::uint64_t kEvents = 1000;
  std::vector<std::uint8_t> published(kEvents);  // the worker's until the bus has stopped
  std::vector<bool> cancelled(kEvents);
  {
    Bus bus({.workers = 1});
    const auto sub = bus.subscribe<Tick>([&](const Tick& e) { published[e.value] = 1; });
    bus.start();
    for (std::uint64_t i = 0; i < kEvents; ++i) {
      ScheduledEvent event = bus.publish_after(0ms, Tick{0, i});
      ASSERT_TRUE(event);
      if (i % 2 == 0) std::this_thread::yield();
      cancelled[i] = event.cancel();
      while (event.pending()) std::this_thread::yield();
    }
    EXPECT_TRUE(bus.stop(10s).drained);
  }
  for (std::uint64_t i = 0; i < kEvents; ++i) EXPECT_NE(published[i] != 0, cancelled[i]) << i;
}

// Claim:  a periodic event comes each period until it is cancelled; times that were missed are left out.
// Method: three periods, then a jump over ten, then cancel.
TEST(ScheduledEvents, RepeatUntilCancelled) {
  Timed timed;
  std::uint64_t seen = 0;
  const auto sub = timed.bus.subscribe<Tick>([&](const Tick&) { ++seen; });
  ScheduledEvent heartbeat = timed.bus.publish_every(10ms, Tick{});
  for (int i = 0; i < 30; ++i) timed.advance(1ms);
  EXPECT_EQ(seen, 3U);
  timed.advance(105ms);
  EXPECT_EQ(seen, 4U);
  timed.advance(5ms);
  EXPECT_EQ(seen, 5U);
  EXPECT_TRUE(heartbeat.cancel());
  timed.advance(50ms);
  EXPECT_EQ(seen, 5U);
  EXPECT_EQ(timed.bus.stop(0ms).scheduled, 0U);
}

// Claim:  no more than scheduled_max wait; what is cancelled makes room, in the wheel as well.
// Method: room for two; then many are scheduled far off and cancelled.
TEST(ScheduledEvents, AreRefusedWhenTooManyWait) {
  Timed timed({.scheduled_max = 2});
  std::uint64_t seen = 0;
  const auto sub = timed.bus.subscribe<Tick>([&](const Tick&) { ++seen; });
  ASSERT_TRUE(timed.bus.publish_after(1ms, Tick{}));
  for (int i = 0; i < 5000; ++i) {
    ScheduledEvent far = timed.bus.publish_after(1h, Tick{});
    ASSERT_TRUE(far);
    if (i % 100 == 0) {
      EXPECT_EQ(timed.bus.publish_after(1ms, Tick{}).status(), PublishStatus::full);
      timed.run();
    }
    EXPECT_TRUE(far.cancel());
  }
  timed.run();
  ASSERT_TRUE(timed.bus.publish_after(1ms, Tick{}));
  timed.advance(1ms);
  EXPECT_EQ(seen, 2U);
}

}  // namespace
}  // namespace headrace
