#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/port/metric.hpp"

namespace headrace::program {

/// Whether a gateway can serve its metrics there, and this build can at all.
[[nodiscard]] Status check_metrics(const std::string& listen);

/// Serves /metrics and /healthz while it lives.
class GatewayMetrics {
 public:
  virtual ~GatewayMetrics() = default;
  using Metrics = std::function<std::vector<MetricFamily>()>;
  using Ends = std::function<std::vector<NamedHealth>()>;
  [[nodiscard]] static Result<std::unique_ptr<GatewayMetrics>> serve(const std::string& listen, Metrics metrics,
                                                                     Ends ends);
};

}  // namespace headrace::program
