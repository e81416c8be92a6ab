#include "headrace/bus/metrics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "events.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/telemetry/latency_histogram.hpp"
#include "settle.hpp"

namespace headrace {
namespace {

using namespace test;

const MetricFamily& metric(const std::vector<MetricFamily>& families, std::string_view name) {
  static const MetricFamily kNone;
  const auto at = std::ranges::find(families, name, &MetricFamily::name);
  EXPECT_NE(at, families.end()) << name;
  return at == families.end() ? kNone : *at;
}

// Claim:  the metrics are what the snapshot says: the ledger once, the counts for each subscription.
// Method: a bus that handles, refuses and does not route; the counts of that.
TEST(BusMetrics, TellWhatTheSnapshotSays) {
  Bus bus({.workers = 0});
  const auto odd =
      bus.subscribe<Tick>(SubscribeOptions{.group = "odd", .name = "odd"},
                          where([](const Tick& tick) { return tick.value % 2 == 1; }), [](const Tick&) {});
  const auto all = bus.subscribe<Tick>(SubscribeOptions{.group = "all", .name = "all"}, [](const Tick&) {});
  bus.start();
  for (std::uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(bus.publish(Tick{.value = i}));
  ASSERT_TRUE(bus.publish(Named{"nobody"}));
  while (bus.poll() != 0) {
  }
  const Snapshot snapshot = bus.snapshot();
  const auto families = metrics_of(snapshot);
  EXPECT_EQ(metric(families, "headrace_deliveries_handled_total").samples.at(0).value, 7);
  EXPECT_EQ(metric(families, "headrace_deliveries_unrouted_total").samples.at(0).value,
            static_cast<double>(snapshot.ledger.unrouted));
  EXPECT_EQ(metric(families, "headrace_events_in_flight").kind, MetricKind::gauge);
  for (const MetricSample& sample : metric(families, "headrace_subscription_handled_total").samples) {
    EXPECT_EQ(sample.value, sample.labels.at(0).second == "odd" ? 2 : 5);
  }
  EXPECT_EQ(metric(families, "headrace_subscription_refused_total").samples.size(), 2U);
  (void)stop_drained(bus);
}

// Claim:  what expired and which dead letters a full store dropped is told, of the bus and of each subscription.
// Method: a snapshot with a number of its own for each.
TEST(BusMetrics, TellWhatExpiredAndWhichLettersWereDropped) {
  Snapshot snapshot;
  snapshot.ledger.expired = 3;
  snapshot.ledger.letters_dropped = 4;
  SubscriptionReport& report = snapshot.subscriptions.emplace_back();
  report.expired = 5;
  report.letters_dropped = 6;
  const auto families = metrics_of(snapshot);
  const auto value = [&](std::string_view name) { return metric(families, name).samples.at(0).value; };
  EXPECT_EQ(value("headrace_deliveries_expired_total"), 3);
  EXPECT_EQ(value("headrace_deliveries_letters_dropped_total"), 4);
  EXPECT_EQ(value("headrace_subscription_expired_total"), 5);
  EXPECT_EQ(value("headrace_subscription_letters_dropped_total"), 6);
}

// Claim:  no two families share a name, and counters, and only they, end in `_total`.
// Method: the metrics of an empty snapshot.
TEST(BusMetrics, NamesKeepTheConventions) {
  std::set<std::string> names;
  for (const MetricFamily& family : metrics_of(Snapshot{})) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_TRUE(family.name.starts_with("headrace_"));
    EXPECT_EQ(family.kind == MetricKind::counter, family.name.ends_with("_total")) << family.name;
    EXPECT_EQ(family.kind == MetricKind::histogram, family.name.ends_with("_seconds")) << family.name;
    EXPECT_TRUE(family.help.ends_with('.')) << family.name;
  }
}

// Claim:  a histogram's buckets are cumulative, in seconds, and what is above the last is in its count only.
// Method: values around bounds, and one of two minutes.
TEST(BusMetrics, HistogramsAreCumulativeInSeconds) {
  LatencyHistogram waits;
  waits.record(900, 2);           // 0.9 us
  waits.record(2'000'000);        // 2 ms
  waits.record(120'000'000'000);  // 2 min
  Snapshot snapshot;
  snapshot.subscriptions.emplace_back().queue_wait_ns = waits.snapshot();
  const auto families = metrics_of(snapshot);
  const MetricHistogram& histogram =
      metric(families, "headrace_subscription_queue_wait_seconds").samples.at(0).histogram;
  EXPECT_EQ(histogram.count, 4U);
  EXPECT_NEAR(histogram.sum, 120.002, 120.002 / 64);
  std::uint64_t below = 0;
  for (const auto& [at_most, count] : histogram.buckets) {
    EXPECT_GE(count, below);
    below = count;
    EXPECT_EQ(count, at_most < 0.9e-6 ? 0U : at_most < 0.002 ? 2U : 3U) << at_most;
  }
}

}  // namespace
}  // namespace headrace
