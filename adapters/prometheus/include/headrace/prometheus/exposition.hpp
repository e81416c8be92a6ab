#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "headrace/port/metric.hpp"

namespace prometheus {
class Collectable;
}

namespace headrace::prometheus {

/// Says how everything stands now. Called by each scrape, on a thread of the server; must not throw.
using Metrics = std::function<std::vector<MetricFamily>()>;

/// Prometheus's text format, version 0.0.4. Families of one name become one, and samples of the same labels one:
/// their sum. Bytes of labels that are not UTF-8 become U+FFFD, since one would spoil the whole scrape.
/// Checks: `prometheus.name` for a metric's or a label's name that Prometheus refuses, `prometheus.kind` for
/// families of one name and different kinds.
[[nodiscard]] std::string exposition(const std::vector<MetricFamily>& families);

/// The same for a program that has a prometheus-cpp Exposer or Registry of its own: register what this answers.
/// The program links prometheus-cpp itself.
[[nodiscard]] std::shared_ptr<::prometheus::Collectable> collectable(Metrics metrics);

}  // namespace headrace::prometheus
