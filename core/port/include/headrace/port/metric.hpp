#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/port/dead_letter_store.hpp"
#include "headrace/port/health.hpp"

namespace headrace {

enum class MetricKind : std::uint8_t {
  counter,    ///< only grows, until the process ends; its name ends in `_total`
  gauge,      ///< goes up and down
  histogram,  ///< of values in the unit that its name ends in
};

/// Counts of values by upper bounds, each with all those below it.
struct MetricHistogram {
  struct Bucket {
    double at_most = 0;
    std::uint64_t count = 0;  ///< of values at most as large: cumulative
  };
  std::vector<Bucket> buckets;  ///< ascending; what is larger is in `count` only
  std::uint64_t count = 0;
  double sum = 0;
};

struct MetricSample {
  std::vector<std::pair<std::string, std::string>> labels;  ///< names differ
  double value = 0;                                         ///< of a counter or a gauge
  MetricHistogram histogram = {};                           ///< of a histogram
};

/// One metric with all its samples, as exporters know it: what the bus, adapters and stores say of themselves.
/// Names have letters, digits and `_`, begin with `headrace_`, and end in their unit.
struct MetricFamily {
  std::string name;
  std::string help;  ///< a sentence
  MetricKind kind = MetricKind::gauge;
  std::vector<MetricSample> samples;
};

/// An end to a broker, for metrics and health checks.
struct NamedHealth {
  std::string name;  ///< unlike the others'
  Health health;
};

/// `headrace_adapter_state`, 1 for the state that each is in and 0 for the others, and its connections so far.
[[nodiscard]] std::vector<MetricFamily> metrics_of(const std::vector<NamedHealth>& ends);
/// What a store of dead letters holds and did. `name` is the label `store`.
[[nodiscard]] std::vector<MetricFamily> metrics_of(std::string_view name, const DeadLetterCounts& counts);

}  // namespace headrace
