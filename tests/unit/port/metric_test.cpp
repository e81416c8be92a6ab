#include "headrace/port/metric.hpp"

#include <gtest/gtest.h>

namespace headrace {
namespace {

// Claim:  of an adapter's states the one that it is in is 1, and the others are there as 0.
// Method: two ends.
TEST(Metrics, StateOfEachEndIsTold) {
  const auto families = metrics_of(
      std::vector<NamedHealth>{{"in", {AdapterState::up, "", 3}}, {"out", {AdapterState::gave_up, "refused", 0}}});
  ASSERT_EQ(families.size(), 2U);
  ASSERT_EQ(families[0].samples.size(), 12U);
  for (const MetricSample& sample : families[0].samples) {
    const bool now = sample.labels == MetricSample{{{"adapter", "in"}, {"state", "up"}}}.labels ||
                     sample.labels == MetricSample{{{"adapter", "out"}, {"state", "gave up"}}}.labels;
    EXPECT_EQ(sample.value, now ? 1 : 0) << sample.labels[0].second << " " << sample.labels[1].second;
  }
  EXPECT_EQ(families[1].name, "headrace_adapter_connections_total");
  EXPECT_EQ(families[1].samples[0].value, 3);
}

// Claim:  each count of a store of dead letters has a metric of its own, and those that only grow are counters.
// Method: a store whose counts are all different.
TEST(Metrics, DeadLettersAreTold) {
  const auto families = metrics_of("main", DeadLetterCounts{1, 2, 3, 4, 5, 6, 7, 8});
  ASSERT_EQ(families.size(), 8U);
  for (std::size_t i = 0; i < families.size(); ++i) {
    EXPECT_EQ(families[i].samples.at(0).value, static_cast<double>(i + 1)) << families[i].name;
    EXPECT_EQ(families[i].samples[0].labels[0].second, "main");
    EXPECT_EQ(families[i].kind == MetricKind::counter, families[i].name.ends_with("_total")) << families[i].name;
  }
}

}  // namespace
}  // namespace headrace
