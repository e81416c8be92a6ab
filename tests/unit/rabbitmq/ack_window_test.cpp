#include "ack_window.hpp"

#include <gtest/gtest.h>

namespace headrace::rabbitmq {
namespace {

using Tags = std::vector<std::uint64_t>;

struct AckWindows : testing::Test {
  AckWindow window;
  AckWindow::Clock::time_point now{std::chrono::hours(1)};
  void deliver(int count) {
    for (int i = 0; i < count; ++i) window.deliver();
  }
};

// Claim:  one frame acknowledges all up to the first delivery that is out; those beyond it go one by one, and once.
// Method: answers out of order around one that is out and one that was rejected.
TEST_F(AckWindows, AllUpToTheFirstThatIsOutGoInOneFrame) {
  deliver(6);
  for (const std::uint64_t tag : {2U, 1U, 5U}) window.done(tag);
  window.forget(3);
  auto acks = window.take(now);
  EXPECT_EQ(acks.up_to, 2U);
  EXPECT_EQ(acks.single, Tags{5});
  window.done(4);
  acks = window.take(now);
  EXPECT_EQ(acks.up_to, 4U);
  EXPECT_TRUE(acks.single.empty());
  window.done(6);
  EXPECT_EQ(window.take(now).up_to, 6U);
}

// Claim:  a lone acknowledgement goes at once; one close behind it waits, until there is a run of them or a pause is over.
// Method: the window's own clock.
TEST_F(AckWindows, CloseBehindAnotherAnAcknowledgementWaitsForCompany) {
  constexpr std::size_t kPrefetch = 1'000;
  deliver(200);
  EXPECT_FALSE(window.due(now, kPrefetch));
  std::uint64_t tag = 0;
  window.done(++tag);
  ASSERT_TRUE(window.due(now, kPrefetch));
  EXPECT_EQ(window.take(now).up_to, 1U);
  window.done(++tag);
  EXPECT_FALSE(window.due(now, kPrefetch));
  EXPECT_TRUE(window.due(now + AckWindow::kPause, kPrefetch));
  while (tag < AckWindow::kRun) window.done(++tag);
  EXPECT_FALSE(window.due(now, kPrefetch));
  window.done(++tag);
  EXPECT_TRUE(window.due(now, kPrefetch));
  EXPECT_EQ(window.take(now).up_to, tag);
  EXPECT_FALSE(window.any());
}

// Claim:  a server that may have few out is told soon, so that it has some to send: with one, at once.
// Method: small prefetches, close behind an acknowledgement.
TEST_F(AckWindows, FewPrefetchedAreAcknowledgedSoon) {
  deliver(5);
  window.done(1);
  (void)window.take(now);
  window.done(2);
  EXPECT_TRUE(window.due(now, 1));
  EXPECT_TRUE(window.due(now, 7));
  EXPECT_FALSE(window.due(now, 8));
  window.done(3);
  EXPECT_TRUE(window.due(now, 8));
}

}  // namespace
}  // namespace headrace::rabbitmq
