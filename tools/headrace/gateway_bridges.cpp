#include "gateway_bridges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace headrace::program {
namespace {

MetricFamily counted(std::string_view label, const std::string& name, std::string_view what, std::string_view help,
                     std::uint64_t value) {
  return {fmt::format("headrace_{}_{}_total", label, what),
          fmt::format("Messages of the gateway's {}s: {}.", label, help),
          MetricKind::counter,
          {{{{std::string(label), name}}, static_cast<double>(value)}}};
}

}  // namespace

std::function<std::string(const Message&)> header_of(std::string name) {
  return [name = std::move(name)](const Message& message) {
    const auto at = std::ranges::find(message.headers, name, &std::pair<std::string, std::string>::first);
    return at == message.headers.end() ? std::string() : at->second;
  };
}

SourceBridgeOptions bridge_options(const SourceEndConfig& config) {
  SourceBridgeOptions options;
  options.name = "source " + config.name;
  if (!config.topics.empty()) {
    options.topic = [topics = config.topics](const Message& message) { return topics.to_inside(message.topic); };
  }
  if (config.unrouted_is_done) options.unrouted = Settlement::done;
  if (config.claims) options.change = fetch_claims(*config.claims);
  return options;
}

SinkBridgeOptions bridge_options(const RouteConfig& config) {
  SinkBridgeOptions options;
  options.subscription.filter = config.filter;
  options.subscription.name = options.subscription.group = config.name;
  if (!config.topics.empty()) {
    options.topic = [topics = config.topics](std::string_view topic) { return topics.to_outside(topic); };
  }
  if (config.enrich)
    options.change = [enrich = *config.enrich](Message& message) mutable { return enrich(message); };
  if (!config.headers.empty() || config.where) {
    // On one worker, since the subscription is pinned: a condition is for one thread at a time.
    options.accepts = [wanted = config.headers, where = config.where](std::string_view,
                                                                      const Message& message) mutable {
      const bool named = std::ranges::all_of(wanted, [&](const auto& header) {
        return std::ranges::find(message.headers, header) != message.headers.end();
      });
      return named && where ? (*where)(message.body) : Result<bool>(named);
    };
  }
  return options;
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

std::vector<MetricFamily> metrics_of(const std::string& name, const SourceBridge::Counts& counts) {
  return {counted("source", name, "received", "received from the broker", counts.received),
          counted("source", name, "published", "that went into the bus", counts.published),
          counted("source", name, "copies", "copies of those done or under way", counts.copies),
          counted("source", name, "unrouted", "that no route takes", counts.unrouted),
          counted("source", name, "rejected", "without a topic that the bus can have", counts.rejected),
          counted("source", name, "refused", "refused by the bus, back with the broker", counts.refused)};
}

std::vector<MetricFamily> metrics_of(const std::string& name, const SinkBridge::Counts& counts) {
  return {counted("route", name, "sent", "given to the sink", counts.sent),
          counted("route", name, "confirmed", "confirmed by the sink's broker", counts.confirmed),
          counted("route", name, "filtered", "that the route does not want", counts.filtered),
          counted("route", name, "rejected", "given up for good", counts.rejected),
          counted("route", name, "retried", "back with their source's broker", counts.retried)};
}

}  // namespace headrace::program
