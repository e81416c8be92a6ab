#include "headrace/telemetry/ledger.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace headrace {
namespace {

constexpr Ledger kBalanced{
    .published = 21, .handled = 1, .dropped = 2, .unrouted = 3, .failed = 5, .in_flight = 10};

// Claim:  a ledger balances exactly when its parts add up.
// Method: each part off by one in turn.
TEST(Ledger, BalancesWhenPartsAddUp) {
  EXPECT_TRUE(Ledger{}.balanced());
  EXPECT_TRUE(kBalanced.balanced());
  for (auto part : {&Ledger::published, &Ledger::handled, &Ledger::dropped, &Ledger::unrouted, &Ledger::failed,
                    &Ledger::in_flight}) {
    auto off = kBalanced;
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
}

// Claim:  adding ledgers adds each part.
// Method: a sum of two is compared whole.
TEST(Ledger, AddsPartByPart) {
  auto sum = kBalanced;
  sum += Ledger{.published = 6, .handled = 6};
  EXPECT_EQ(sum,
            (Ledger{.published = 27, .handled = 7, .dropped = 2, .unrouted = 3, .failed = 5, .in_flight = 10}));
}

}  // namespace
}  // namespace headrace
