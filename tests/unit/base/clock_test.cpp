#include "headrace/base/clock.hpp"

#include <gtest/gtest.h>

namespace headrace {
namespace {

// Claim:  one thread never sees its counter go back.
// Method: a hundred thousand neighbouring reads. (A thread that moves between cores relies on their being in
//         step.)
TEST(Clock, CyclesNeverGoBack) {
  auto last = cycles();
  for (int i = 0; i < 100'000; ++i) {
    const auto now = cycles();
    ASSERT_GE(now, last);
    last = now;
  }
}

// Claim:  the scale turns cycles into nanoseconds exactly enough at both ends of its range.
// Method: clocks of known rate, slower and faster than one cycle a nanosecond, over a second and over 100 days.
TEST(CycleClock, ConvertsAtKnownRates) {
  constexpr std::uint64_t kSecond = 1'000'000'000;
  constexpr std::uint64_t kHundredDays = 100 * 86'400 * kSecond;
  const CycleClock slow{24e6};
  EXPECT_NEAR(static_cast<double>(slow.to_ns(24'000'000)), 1e9, 1);
  const CycleClock fast{5e9};
  EXPECT_EQ(fast.to_cycles(kSecond), 5 * kSecond);
  EXPECT_NEAR(static_cast<double>(fast.to_ns(5 * kHundredDays)), static_cast<double>(kHundredDays),
              1e-9 * static_cast<double>(kHundredDays));
  EXPECT_EQ(fast.to_ns(0), 0u);
}

// Claim:  the calibrated scale agrees with CLOCK_MONOTONIC.
// Method: an interval measured by both. The counter's interval lies inside the clock's one or around it, whichever
//         way the reads are nested, so preemption between the reads cannot make the test fail.
TEST(CycleClock, AgreesWithTheSteadyClock) {
  const auto& clock = CycleClock::machine();
  constexpr std::uint64_t kSpanNs = 20'000'000;
  const auto outer_start = cycles();
  const auto start = steady_ns();
  const auto inner_start = cycles();
  while (steady_ns() - start < kSpanNs) {
  }
  const auto inner_end = cycles();
  const auto end = steady_ns();
  const auto outer_end = cycles();
  const auto span = static_cast<double>(end - start);
  EXPECT_LE(static_cast<double>(clock.to_ns(inner_end - inner_start)), span * 1.001);
  EXPECT_GE(static_cast<double>(clock.to_ns(outer_end - outer_start)), span * 0.999);
}

// Claim:  the machine's clock is measured once.
// Method: the same object comes back.
TEST(CycleClock, IsMeasuredOnce) { EXPECT_EQ(&CycleClock::machine(), &CycleClock::machine()); }

}  // namespace
}  // namespace headrace
