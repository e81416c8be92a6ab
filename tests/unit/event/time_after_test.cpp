#include "headrace/event/time_after.hpp"

#include <gtest/gtest.h>

namespace headrace {
namespace {

using std::chrono::nanoseconds;

// Claim:  sums and differences of times stand still at the ends of time, and are exact before them.
// Method: both ends from both sides, and one step before each.
TEST(TimeAfter, StandsStillAtTheEndsOfTime) {
  constexpr nanoseconds one{1};
  const EventTime now{nanoseconds{1'700'000'000'000'000'000}};
  EXPECT_EQ(time_after(now, one), now + one);
  EXPECT_EQ(time_after(now, -one), now - one);
  EXPECT_EQ(time_after(EventTime::max() - one, one), EventTime::max());
  EXPECT_EQ(time_after(EventTime::max(), one), EventTime::max());
  EXPECT_EQ(time_after(now, nanoseconds::max()), EventTime::max());
  EXPECT_EQ(time_after(EventTime::min() + one, -2 * one), EventTime::min());
  EXPECT_EQ(time_after(EventTime{-one}, nanoseconds::min()), EventTime::min());

  EXPECT_EQ(time_between(now, now + one), one);
  EXPECT_EQ(time_between(now, now - one), -one);
  EXPECT_EQ(time_between(EventTime::min(), EventTime::max()), nanoseconds::max());
  EXPECT_EQ(time_between(EventTime::max(), EventTime::min()), nanoseconds::min());
  EXPECT_EQ(time_between(now, EventTime::min()), nanoseconds::min());
  EXPECT_EQ(time_between(EventTime{nanoseconds{-2}}, EventTime::max()), nanoseconds::max());
}

}  // namespace
}  // namespace headrace
