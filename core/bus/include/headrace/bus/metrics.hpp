#pragma once

#include <string>
#include <utility>
#include <vector>

#include "headrace/dispatch/report.hpp"
#include "headrace/port/metric.hpp"

namespace headrace {

/// The ledger, and each subscription's counts and histograms, labelled `subscription`, `group` and `filter`.
/// Histograms are in seconds, of sampled events, and exact to the 1/64 that HistogramSnapshot is: a value within
/// that of a bound may count on either side of it.
[[nodiscard]] std::vector<MetricFamily> metrics_of(const Snapshot& snapshot);

}  // namespace headrace
