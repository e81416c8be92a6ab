#include "headrace/base/event_count.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "headrace/base/clock.hpp"

namespace headrace {
namespace {

void yield_until(const auto& condition) {
  while (!condition()) std::this_thread::yield();
}

// Claim:  a notify between prepare and wait is not missed.
// Method: one thread does all three; a missed notify would sleep for ever.
TEST(EventCount, WaitReturnsAtOnceWhenNotifiedSincePrepare) {
  EventCount events;
  const auto key = events.prepare_wait();
  events.notify();
  events.wait(key);
  EXPECT_FALSE(events.had_waiters());
}

// Claim:  a notify takes the waiters off the count, so that the next one finds nobody to wake.
// Method: the count is looked at before the woken waiter has run.
TEST(EventCount, NotifyTakesTheWaitersOffTheCount) {
  EventCount events;
  const auto first = events.prepare_wait();
  const auto second = events.prepare_wait();
  EXPECT_TRUE(events.had_waiters());
  events.notify();
  EXPECT_FALSE(events.had_waiters());
  events.wait(first);
  events.cancel_wait(second);
  EXPECT_FALSE(events.had_waiters());
}

// Claim:  a waiter that a notify took off the count does not take a later waiter off by cancelling.
// Method: the second prepares under a new epoch before the first cancels.
TEST(EventCount, CancelAfterNotifyLeavesLaterWaitersCounted) {
  EventCount events;
  const auto first = events.prepare_wait();
  events.notify();
  const auto second = events.prepare_wait();
  events.cancel_wait(first);
  EXPECT_TRUE(events.had_waiters());
  events.cancel_wait(second);
  EXPECT_FALSE(events.had_waiters());
}

// Claim:  a deadline ends the wait and takes the waiter off the count.
// Method: deadlines already past and just ahead, with nobody to notify.
TEST(EventCount, DeadlineEndsTheWait) {
  EventCount events;
  const auto now = steady_ns();
  for (const auto deadline_ns : {std::uint64_t{0}, now, now + 2'000'000}) {
    const auto key = events.prepare_wait();
    EXPECT_EQ(events.wait_until(key, deadline_ns), EventCount::Wake::timed_out);
    EXPECT_GE(steady_ns(), deadline_ns);
    EXPECT_FALSE(events.had_waiters());
  }
}

// Claim:  a notify that came first wins over a deadline that has passed.
// Method: both hold when the wait begins.
TEST(EventCount, NotifiedIsToldEvenPastTheDeadline) {
  EventCount events;
  const auto key = events.prepare_wait();
  events.notify();
  EXPECT_EQ(events.wait_until(key, 0), EventCount::Wake::notified);
}

// Claim:  one notify wakes every waiter, and each sees what was written before it.
// Method: eight threads prepare and wait on a plain variable; the notifier waits until all have prepared.
TEST(EventCount, OneNotifyWakesAll) {
  constexpr int kWaiters = 8;
  EventCount events;
  int written = 0;
  std::atomic<int> prepared{0};
  std::atomic<int> saw{0};
  std::vector<std::jthread> waiters;
  for (int i = 0; i < kWaiters; ++i) {
    waiters.emplace_back([&] {
      const auto key = events.prepare_wait();
      prepared.fetch_add(1);
      events.wait(key);
      saw.fetch_add(written);
    });
  }
  yield_until([&] { return prepared.load() == kWaiters; });
  written = 1;
  events.notify();
  waiters.clear();
  EXPECT_EQ(saw.load(), kWaiters);
}

// Claim:  a waiter that times out does not use up the wake-up of another.
// Method: one waits with a short deadline, one without; the notify comes after the first has left.
TEST(EventCount, TimedOutWaiterLeavesTheOtherToBeWoken) {
  EventCount events;
  std::atomic<bool> prepared{false};
  std::jthread patient([&] {
    const auto key = events.prepare_wait();
    prepared.store(true);
    events.wait(key);
  });
  yield_until([&] { return prepared.load(); });
  const auto key = events.prepare_wait();
  EXPECT_EQ(events.wait_until(key, steady_ns()), EventCount::Wake::timed_out);
  EXPECT_TRUE(events.had_waiters());
  events.notify();
}

}  // namespace
}  // namespace headrace
