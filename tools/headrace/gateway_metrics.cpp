#include "gateway_metrics.hpp"

#include <utility>

#if defined(HEADRACE_HAS_PROMETHEUS)
#include "headrace/prometheus/metrics_server.hpp"
#endif

namespace headrace::program {

#if defined(HEADRACE_HAS_PROMETHEUS)
namespace {

class Served final : public GatewayMetrics {
 public:
  Served(const std::string& listen, Metrics metrics, Ends ends)
      : server_({.listen = listen}, std::move(metrics), std::move(ends)) {}
  [[nodiscard]] Status start() { return server_.start(); }

 private:
  prometheus::MetricsServer server_;
};

}  // namespace

Status check_metrics(const std::string& listen) { return prometheus::MetricsServer::check({.listen = listen}); }

Result<std::unique_ptr<GatewayMetrics>> GatewayMetrics::serve(const std::string& listen, Metrics metrics,
                                                              Ends ends) {
  auto served = std::make_unique<Served>(listen, std::move(metrics), std::move(ends));
  if (Status started = served->start(); !started) return started.error();
  return std::unique_ptr<GatewayMetrics>(std::move(served));
}
#else
Status check_metrics(const std::string&) { return Error{"this build is without the adapter", ""}; }

Result<std::unique_ptr<GatewayMetrics>> GatewayMetrics::serve(const std::string& listen, Metrics, Ends) {
  return check_metrics(listen).error();
}
#endif

}  // namespace headrace::program
