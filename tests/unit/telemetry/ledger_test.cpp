#include "headrace/telemetry/ledger.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace headrace {
namespace {

constexpr Ledger kBalanced{
    .published = 21, .handled = 1, .dropped = 2, .unrouted = 3, .failed = 5, .in_flight = 10};
constexpr Ledger kWhole{.published = 28,
                        .handled = 1,
                        .dropped = 2,
                        .expired = 3,
                        .unrouted = 4,
                        .failed = 5,
                        .dead_lettered = 6,
                        .in_flight = 7,
                        .letters_dropped = 8};

// Claim:  a ledger balances exactly when its parts add up.
// Method: each part off by one in turn.
TEST(Ledger, BalancesWhenPartsAddUp) {
  EXPECT_TRUE(Ledger{}.balanced());
  EXPECT_TRUE(kBalanced.balanced());
  EXPECT_TRUE(kWhole.balanced()) << "dropped letters were dead-lettered before: they stand beside the balance";
  for (auto part : {&Ledger::published, &Ledger::handled, &Ledger::dropped, &Ledger::expired, &Ledger::unrouted,
                    &Ledger::failed, &Ledger::dead_lettered, &Ledger::in_flight}) {
    auto off = kWhole;
    off.*part += 1;
    EXPECT_FALSE(off.balanced());
  }
}

// Claim:  the text is the one that reports and scripts rely on.
// Method: compared letter by letter, both ways to get it.
TEST(Ledger, WritesItsEquation) {
  const std::string expected = "published 21 = handled 1 + dropped 2 + unrouted 3 + failed 5 + in flight 10";
  EXPECT_EQ(to_string(kBalanced), expected);
  std::ostringstream out;
  out << kBalanced;
  EXPECT_EQ(out.str(), expected);
  EXPECT_EQ(
      to_string(kWhole),
      "published 28 = handled 1 + dropped 2 + expired 3 + unrouted 4 + failed 5 + dead-lettered 6 + in flight 7; "
      "letters dropped 8");
}

// Claim:  adding ledgers adds each part.
// Method: a sum of two is compared whole.
TEST(Ledger, AddsPartByPart) {
  auto sum = kBalanced;
  sum += Ledger{.published = 6, .handled = 6};
  EXPECT_EQ(sum,
            (Ledger{.published = 27, .handled = 7, .dropped = 2, .unrouted = 3, .failed = 5, .in_flight = 10}));
  sum = kWhole;
  sum += kWhole;
  EXPECT_EQ(sum.expired, 6U);
  EXPECT_EQ(sum.letters_dropped, 16U);
  EXPECT_TRUE(sum.balanced());
}

}  // namespace
}  // namespace headrace
