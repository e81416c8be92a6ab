#include "gateway.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <memory>

#include "bus_options.hpp"
#include "gateway_ends.hpp"
#include "headrace/bus/sink_bridge.hpp"
#include "headrace/bus/source_bridge.hpp"

namespace headrace::program {
namespace {

SourceBridgeOptions bridge_options(const SourceEndConfig& config) {
  SourceBridgeOptions options;
  if (!config.topics.empty()) {
    options.topic = [&topics = config.topics](const Message& message) { return topics.to_inside(message.topic); };
  }
  if (!config.identity.empty()) {
    options.identity = [&name = config.identity](const Message& message) {
      const auto at = std::ranges::find(message.headers, name, &std::pair<std::string, std::string>::first);
      return at == message.headers.end() ? std::string() : at->second;
    };
  }
  if (config.unrouted_is_done) options.unrouted = Settlement::done;
  return options;
}

SinkBridgeOptions bridge_options(const RouteConfig& config) {
  SinkBridgeOptions options;
  options.subscription.filter = config.filter;
  options.subscription.name = options.subscription.group = config.name;
  if (!config.topics.empty()) {
    options.topic = [&topics = config.topics](std::string_view topic) { return topics.to_outside(topic); };
  }
  if (!config.headers.empty()) {
    options.accepts = [&wanted = config.headers](std::string_view, const Message& message) {
      return std::ranges::all_of(wanted, [&](const auto& header) {
        return std::ranges::find(message.headers, header) != message.headers.end();
      });
    };
  }
  return options;
}

/// Says how an end stands, each time that it changes.
HealthBoard::Changed announce(Console& console, std::string_view what, const std::string& name) {
  return [&console, end = fmt::format("{} {}", what, name)](const Health& health) {
    console.line(
        fmt::format("{}: {}{}{}", end, to_string(health.state), health.reason.empty() ? "" : ": ", health.reason));
  };
}

std::string report_line(const std::string& name, const SourceBridge::Counts& counts) {
  return fmt::format("source {}: received {}, published {}, copies {}, unrouted {}, rejected {}, refused {}", name,
                     counts.received, counts.published, counts.copies, counts.unrouted, counts.rejected,
                     counts.refused);
}
std::string report_line(const std::string& name, const SinkBridge::Counts& counts) {
  return fmt::format("route {}: sent {}, confirmed {}, filtered {}, rejected {}, retried {}", name, counts.sent,
                     counts.confirmed, counts.filtered, counts.rejected, counts.retried);
}

/// Everything that a gateway is made of. It ends in the opposite order.
class Gateway {
 public:
  Gateway(const GatewayConfig& config, Console& console) : config_(config), bus_(bus_options(config.bus)) {
    for (const SinkEndConfig& sink : config.sinks)
      sinks_.push_back(make_sink(sink, announce(console, "sink", sink.name)));
    for (const RouteConfig& route : config.routes) {
      ways_.push_back(std::make_unique<SinkBridge>(bus_, *sinks_[route.sink], bridge_options(route)));
    }
    for (const SourceEndConfig& source : config.sources) {
      sources_.push_back(make_source(source, announce(console, "source", source.name)));
      bridges_.push_back(std::make_unique<SourceBridge>(bus_, *sources_.back(), bridge_options(source)));
    }
  }

  [[nodiscard]] Status start() {
    bus_.start();
    for (const auto& sink : sinks_) {
      if (Status started = sink->start(); !started) return started;
    }
    for (const auto& bridge : bridges_) {
      if (Status started = bridge->start(); !started) return started;
    }
    return Nothing{};
  }

  [[nodiscard]] GatewayReport stop() {
    GatewayReport report;
    const auto deadline = std::chrono::steady_clock::now() + config_.bus.stop_deadline;
    const auto left = [&] {
      const auto rest =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      return std::max(rest, std::chrono::milliseconds(0));
    };
    // None takes any more before one of them waits for what is under way.
    for (const auto& source : sources_) source->pause();
    for (const auto& bridge : bridges_) report.unsettled += bridge->stop(left());
    const StopReport stopped = bus_.stop(left());
    for (const auto& sink : sinks_) static_cast<void>(sink->stop(left()));
    report.balanced = stopped.ledger.balanced();
    for (std::size_t i = 0; i < bridges_.size(); ++i) {
      report.lines.push_back(report_line(config_.sources[i].name, bridges_[i]->counts()));
    }
    for (std::size_t i = 0; i < ways_.size(); ++i) {
      report.lines.push_back(report_line(config_.routes[i].name, ways_[i]->counts()));
    }
    return report;
  }

 private:
  const GatewayConfig& config_;
  std::vector<std::unique_ptr<Source>> sources_;
  std::vector<std::unique_ptr<Sink>> sinks_;
  Bus bus_;
  std::vector<std::unique_ptr<SinkBridge>> ways_;
  std::vector<std::unique_ptr<SourceBridge>> bridges_;
};

}  // namespace

Result<GatewayReport> run_gateway(const GatewayConfig& config, Console& console, const Interrupt& interrupt) try {
  Gateway gateway(config, console);
  if (Status started = gateway.start(); !started) return started.error();
  pollfd signal{interrupt.descriptor(), POLLIN, 0};
  while (!interrupt.raised()) ::poll(&signal, 1, -1);
  return gateway.stop();
} catch (const ConfigError& error) {
  return Error{error.what(), config.file.string()};
}

}  // namespace headrace::program
