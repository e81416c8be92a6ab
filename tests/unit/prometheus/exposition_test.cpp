#include "headrace/prometheus/exposition.hpp"

#include <gtest/gtest.h>

namespace headrace::prometheus {
namespace {

MetricFamily counter(std::string label, double value) {
  return {"headrace_x_total", "Things.", MetricKind::counter, {{{{"name", std::move(label)}}, value}}};
}

// Claim:  a family is written once with its help and type, and every sample with its labels.
// Method: one family from two places, as two adapters tell it; the text of both.
TEST(Exposition, FamiliesOfOneNameBecomeOne) {
  EXPECT_EQ(exposition({counter("a", 1), counter("b", 2)}),
            "# HELP headrace_x_total Things.\n# TYPE headrace_x_total counter\n"
            "headrace_x_total{name=\"a\"} 1\nheadrace_x_total{name=\"b\"} 2\n");
}

// Claim:  samples of the same labels become one, since Prometheus refuses the whole scrape otherwise.
// Method: two counters, and two histograms, of the same labels.
TEST(Exposition, SamplesOfTheSameLabelsAreAdded) {
  EXPECT_NE(exposition({counter("a", 1), counter("a", 2)}).find("{name=\"a\"} 3\n"), std::string::npos);
  const MetricFamily histogram{
      "headrace_x_seconds", "Times.", MetricKind::histogram, {{{}, 0, {{{0.5, 1}, {1.0, 3}}, 4, 2.5}}}};
  EXPECT_EQ(exposition({histogram, histogram}),
            "# HELP headrace_x_seconds Times.\n# TYPE headrace_x_seconds histogram\n"
            "headrace_x_seconds_count 8\nheadrace_x_seconds_sum 5\nheadrace_x_seconds_bucket{le=\"0.5\"} 2\n"
            "headrace_x_seconds_bucket{le=\"1\"} 6\nheadrace_x_seconds_bucket{le=\"+Inf\"} 8\n");
}

// Claim:  whatever a label holds, the text stays one that Prometheus reads: quotes, new lines and bytes that are
//         no UTF-8.
// Method: a label of each.
TEST(Exposition, LabelsAreEscaped) {
  const std::string text = exposition({counter("a\"b\\c\nd\xff e", 1)});
  EXPECT_NE(text.find("{name=\"a\\\"b\\\\c\\nd\xef\xbf\xbd e\"} 1"), std::string::npos) << text;
}

// Claim:  names that Prometheus refuses, and two kinds under one name, are mistakes of the program.
// Method: one of each.
TEST(ExpositionDeathTest, MistakesAreFound) {
  EXPECT_DEATH((void)exposition({{"headrace-x", "", MetricKind::gauge, {}}}), "prometheus.name");
  EXPECT_DEATH((void)exposition({{"x", "", MetricKind::gauge, {{{{"1", ""}}, 1}}}}), "prometheus.name");
  EXPECT_DEATH((void)exposition({{"x", "", MetricKind::gauge, {}}, {"x", "", MetricKind::counter, {}}}),
               "prometheus.kind");
}

}  // namespace
}  // namespace headrace::prometheus
