#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <span>
#include <vector>

#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "settle.hpp"
#include "timed.hpp"

namespace headrace {
namespace {

using namespace test;
using namespace std::chrono_literals;

// Claim:  a call that has lasted as long as its limit is named with subscription, topic, key and age while it
//         still runs; before that, and after it, nothing is.
// Method: the handler moves the clock and asks the bus about itself.
TEST(Watchdog, NamesACallOverItsLimit) {
  Timed timed;
  std::vector<SlowHandler> before;
  std::vector<SlowHandler> after;
  const auto sub =
      timed.bus.subscribe<Tick>({.name = "billing", .handler_limit = 5ms}, [&](const Tick&, Context&) {
        timed.now_ns += 4'999'999;
        before = timed.bus.slow_handlers();
        timed.now_ns += 1;
        after = timed.bus.slow_handlers();
      });
  ASSERT_TRUE(timed.bus.publish(Tick{.key = 7}));
  timed.run();
  EXPECT_TRUE(before.empty());
  ASSERT_EQ(after.size(), 1U);
  EXPECT_EQ(after[0].subscription, "billing");
  EXPECT_EQ(after[0].topic, "test.tick");
  EXPECT_EQ(after[0].key, "7");
  EXPECT_EQ(after[0].worker, 0U);
  EXPECT_EQ(after[0].age, 5ms);
  EXPECT_EQ(after[0].limit, 5ms);
  EXPECT_TRUE(timed.bus.slow_handlers().empty());
  EXPECT_EQ(stop_drained(timed.bus), (Ledger{.published = 1, .handled = 1}));
}

// Claim:  a batch is one call, named by its first event's key; a retry is a call of its own; handlers that throw
//         end theirs; subscriptions without a limit are not looked at.
// Method: a span of two that takes long, throws, and is tried again one by one; a neighbour that takes longer.
TEST(Watchdog, CountsEachCallForItself) {
  Timed timed;
  std::vector<std::string> keys;
  const auto sub = timed.bus.subscribe<Tick>({.retry = fixed(1ms, 2), .handler_limit = 5ms},
                                             [&](std::span<const Tick> ticks) -> BatchOutcome {
                                               timed.now_ns += 6'000'000;
                                               for (const auto& slow : timed.bus.slow_handlers()) {
                                                 keys.push_back(slow.key + "/" + std::to_string(ticks.size()));
                                               }
                                               throw std::runtime_error("no");
                                             });
  const auto other = timed.bus.subscribe<Tock>([&](const Tock&) {
    timed.now_ns += 1'000'000'000;
    for (const auto& slow : timed.bus.slow_handlers()) keys.push_back("other " + slow.key);
  });
  Publisher publisher = timed.bus.publisher();
  const std::vector<Tick> ticks{{.key = 3}, {.key = 4}};
  ASSERT_TRUE(publisher.publish(std::span{ticks}));
  timed.run();
  ASSERT_TRUE(publisher.publish(Tock{}));
  timed.advance(10ms);
  EXPECT_EQ(keys, (std::vector<std::string>{"3/2", "3/1", "4/1", "3/1", "4/1"}));
  EXPECT_TRUE(timed.bus.slow_handlers().empty());
  static_cast<void>(timed.bus.stop(1s));
}

// Claim:  with worker threads the bus tells of a hanging handler by itself, while it hangs, on another thread.
// Method: the handler returns when it has been reported, and only then.
TEST(Watchdog, ReportsAHandlerThatHangs) {
  std::promise<SlowHandler> reported;
  bool told = false;
  Bus bus({.workers = 1}, {.on_slow_handler = [&](const SlowHandler& slow) {
            if (!std::exchange(told, true)) reported.set_value(slow);
          }});
  auto report = reported.get_future().share();
  const auto sub =
      bus.subscribe<Tick>({.name = "hangs", .handler_limit = 1ms}, [&](const Tick&) { report.wait(); });
  bus.start();
  ASSERT_TRUE(bus.publish(Tick{.key = 9}));
  const SlowHandler slow = report.get();
  EXPECT_EQ(slow.subscription, "hangs");
  EXPECT_EQ(slow.key, "9");
  EXPECT_GE(slow.age, 1ms);
  EXPECT_EQ(stop_drained(bus), (Ledger{.published = 1, .handled = 1}));
}

// Claim:  a call is reported when it passes its limit, and again when its age has doubled, not in between.
// Method: look at the slot of a call at chosen times.
TEST(Watchdog, ReportsACallAgainWhenItsAgeHasDoubled) {
  Timed timed;
  std::vector<int> reported;
  WatchSlot slot;
  const auto sub = timed.bus.subscribe<Tick>([&](const Tick&, Context& context) {
    const SubscriptionState state;
    slot.begin(state, context, 0, 10ns);
    for (int now = 0; now < 100; ++now) {
      if (!slot.newly_slow(static_cast<std::uint64_t>(now)).empty()) reported.push_back(now);
    }
    EXPECT_EQ(slot.end(context), WatchSlot::Ended::by_worker);
    EXPECT_TRUE(slot.newly_slow(1000).empty());
  });
  ASSERT_TRUE(timed.bus.publish(Tick{}));
  timed.run();
  EXPECT_EQ(reported, (std::vector<int>{10, 20, 40, 80}));
  static_cast<void>(timed.bus.stop(1s));
}

// Claim:  who is told of a slow handler may stop the watchdog then and there: nobody is told any more, and it ends.
// Method: two calls over their limit; the first report stops it.
TEST(Watchdog, MayBeStoppedByItsReport) {
  Timed timed;
  std::promise<void> stopped;
  int reports = 0;
  WatchSlot slots[2];
  {
    std::unique_ptr<Watchdog> watchdog;
    watchdog = std::make_unique<Watchdog>(TimeSource{}, [&](const SlowHandler&) {
      watchdog->stop();
      if (++reports == 1) stopped.set_value();
    });
    const auto sub = timed.bus.subscribe<Tick>([&](const Tick&, Context& context) {
      const SubscriptionState state;
      for (WatchSlot& slot : slots) slot.begin(state, context, 0, 1ns);
      watchdog->watch({&slots[0], &slots[1]}, 1ms, Watchdog::Looks::to_report);
      stopped.get_future().wait();
    });
    ASSERT_TRUE(timed.bus.publish(Tick{}));
    timed.run();
    EXPECT_TRUE(watchdog->slow_handlers().empty());
  }
  EXPECT_EQ(reports, 1);
  static_cast<void>(timed.bus.stop(1s));
}

// Claim:  a limit below zero is an error, not no limit.
// Method: subscribe with one.
TEST(Watchdog, LimitBelowZeroIsRefused) {
  Bus bus({.workers = 0});
  EXPECT_THROW(static_cast<void>(bus.subscribe<Tick>({.handler_limit = -1ns}, [](const Tick&) {})), ConfigError);
}

}  // namespace
}  // namespace headrace
