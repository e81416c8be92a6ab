#pragma once

#include <memory>

#include "gateway_config.hpp"
#include "headrace/bus/sink_bridge.hpp"

namespace headrace::program {

/// One route of a running gateway: to a sink, or to alerts.
/// Threads:  any.
class GatewayWay {
 public:
  virtual ~GatewayWay() = default;
  /// No further message goes this way; what is under way is still answered and counted.
  virtual void close() = 0;
  /// Of alerts: `sent` are those told, `confirmed` those that their own routes have done, `filtered` the messages
  /// that were no news.
  [[nodiscard]] virtual SinkBridge::Counts counts() const = 0;
  /// Whether everything sent has been answered. A closed way stays so.
  [[nodiscard]] virtual bool is_idle() const = 0;
};

/// Throws ConfigError for a route that the bus cannot honour. The bus and the sink outlive the way. `pack`: the sink's,
/// SinkBridgeOptions::pack.
[[nodiscard]] std::unique_ptr<GatewayWay> make_sink_way(Bus& bus, Sink& sink, const RouteConfig& route,
                                                        decltype(SinkBridgeOptions::pack) pack);
[[nodiscard]] std::unique_ptr<GatewayWay> make_alert_way(Bus& bus, const RouteConfig& route);

}  // namespace headrace::program
