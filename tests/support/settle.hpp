#pragma once

#include <gtest/gtest.h>

#include "gate.hpp"
#include "headrace/bus/bus.hpp"

namespace headrace::test {

/// Waits until nothing is in flight; the ledger of that moment, which must balance.
inline Ledger settle(Bus& bus) {
  Ledger ledger;
  yield_until([&] {
    ledger = bus.snapshot().ledger;
    return ledger.in_flight == 0 && ledger.balanced();
  });
  return ledger;
}

/// Stops the bus with all the time it needs; everything must have been handled, and the ledger balance.
inline Ledger stop_drained(Bus& bus) {
  const StopReport report = bus.stop(std::chrono::hours(1));
  EXPECT_TRUE(report.drained);
  EXPECT_EQ(report.abandoned, 0U);
  EXPECT_TRUE(report.stuck.empty());
  EXPECT_EQ(report.ledger.in_flight, 0U);
  EXPECT_TRUE(report.ledger.balanced()) << report.ledger;
  return report.ledger;
}

}  // namespace headrace::test
