#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gateway_config.hpp"
#include "headrace/bus/sink_bridge.hpp"
#include "headrace/bus/source_bridge.hpp"
#include "headrace/port/metric.hpp"

namespace headrace::program {

// What a config makes of the bus's bridges, and how their counts are told. The options keep nothing of the config.

/// The text of a message's header of this name; empty where it has none.
[[nodiscard]] std::function<std::string(const Message&)> header_of(std::string name);
/// Without an identity: who remembers copies is not said here. Throws ConfigError for a folder of claims that cannot be
/// used.
[[nodiscard]] SourceBridgeOptions bridge_options(const SourceEndConfig& config);
[[nodiscard]] SinkBridgeOptions bridge_options(const RouteConfig& config);

[[nodiscard]] std::string report_line(const std::string& name, const SourceBridge::Counts& counts);
[[nodiscard]] std::string report_line(const std::string& name, const SinkBridge::Counts& counts);
[[nodiscard]] std::vector<MetricFamily> metrics_of(const std::string& name, const SourceBridge::Counts& counts);
[[nodiscard]] std::vector<MetricFamily> metrics_of(const std::string& name, const SinkBridge::Counts& counts);

}  // namespace headrace::program
