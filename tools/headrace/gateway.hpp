#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "end_watch.hpp"
#include "gateway_bridges.hpp"
#include "gateway_config.hpp"
#include "gateway_dedup.hpp"
#include "gateway_metrics.hpp"
#include "gateway_way.hpp"
#include "headrace/base/result.hpp"
#include "headrace/bus/bus.hpp"
#include "headrace/bus/metrics.hpp"
#include "headrace/port/sink.hpp"
#include "headrace/port/source.hpp"

namespace headrace::program {

/// What went through a gateway, for its last words.
struct GatewayReport {
  std::vector<std::string> lines;
  std::size_t unsettled = 0;     ///< messages that were left to their brokers
  bool balanced = true;          ///< the bus's own account
  std::optional<Error> failure;  ///< why it ended, when nobody asked it to
};

/// Sources, sinks, and the routes between them.
/// Threads:  health(), metrics() and flow() from any; the rest from one.
class Gateway {
 public:
  /// Throws ConfigError for what the bus cannot honour, and for a folder of claims that cannot be used. The watch is told of every end's health. Without a dedup, copies
  /// are remembered in memory.
  Gateway(GatewayConfig config, EndWatch& watch, std::unique_ptr<GatewayDedup> dedup);

  [[nodiscard]] Status start();
  /// Exchanges the routes, between two messages: each goes by the old ones or by the new ones. What is under way on
  /// a route that is gone is still answered. A config that differs in anything else is refused, and nothing changes.
  [[nodiscard]] Status reload(GatewayConfig next);
  /// Publishes `$headrace/adapters/END` for routes that want it, with the health as JSON.
  void tell(const NamedHealth& end);
  /// Takes no more, lets what is under way come to its end within the bus's stop_deadline, and leaves the rest with
  /// the brokers.
  [[nodiscard]] GatewayReport stop();

  [[nodiscard]] const GatewayConfig& config() const noexcept { return config_; }
  [[nodiscard]] std::vector<NamedHealth> health() const;
  [[nodiscard]] std::vector<MetricFamily> metrics();
  [[nodiscard]] EventFlow flow() { return bus_.flow(); }

 private:
  struct Way {
    std::string name;
    std::string text;  ///< of its config
    std::unique_ptr<GatewayWay> route;
  };
  [[nodiscard]] Way make_way(const RouteConfig& route);
  /// Lets go of closed ways that wait for nothing any more.
  void drop_former();
  /// By the route's name, of those there were ever: a former way counts with its successor.
  [[nodiscard]] std::map<std::string, SinkBridge::Counts> totals() const;
  [[nodiscard]] std::chrono::milliseconds left(std::chrono::steady_clock::time_point deadline) const;

  void add_source(const SourceEndConfig& config, EndWatch& watch);
  /// Copies that were held back before they reached the bridge, too.
  [[nodiscard]] SourceBridge::Counts counts_of(std::size_t source) const;

  GatewayConfig config_;
  const std::unique_ptr<GatewayDedup> dedup_;  ///< may be null
  // It ends in the opposite order.
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<const DeduplicatedSource*> deduplicated_;  ///< the same, or null
  std::vector<std::unique_ptr<Sink>> sinks_;
  std::vector<decltype(SinkBridgeOptions::pack)> packs_;  ///< of each sink, or null
  Bus bus_;
  mutable std::mutex mutex_;  ///< the ways
  std::vector<Way> ways_;
  std::vector<Way> former_;  ///< closed by a reload: they go on counting what their sinks answer
  std::map<std::string, SinkBridge::Counts> dropped_;  ///< what former ways of a name had counted at their end
  std::vector<std::unique_ptr<SourceBridge>> bridges_;
  std::unique_ptr<GatewayMetrics> server_;
};

}  // namespace headrace::program
