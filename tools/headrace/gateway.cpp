#include "gateway.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "bus_options.hpp"
#include "gateway_ends.hpp"
#include "json_text.hpp"

namespace headrace::program {
namespace {

using std::chrono::milliseconds;

std::string source_name(const SourceEndConfig& config) { return "source " + config.name; }
std::string sink_name(const SinkEndConfig& config) { return "sink " + config.name; }

std::vector<std::byte> to_json(const NamedHealth& end) {
  std::string text = "{\"adapter\":";
  append_json_string(text, end.name);
  text += ",\"state\":";
  append_json_string(text, to_string(end.health.state));
  text += ",\"reason\":";
  append_json_string(text, end.health.reason);
  text += fmt::format(",\"connections\":{}}}", end.health.connections);
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// What tells a route from a changed one.
std::string text_of(const RouteConfig& route) {
  return route.text + (route.sink ? fmt::format("to = {}", *route.sink) : std::string());
}

void add_to(SinkBridge::Counts& sum, const SinkBridge::Counts& counts) {
  sum.sent += counts.sent;
  sum.confirmed += counts.confirmed;
  sum.filtered += counts.filtered;
  sum.rejected += counts.rejected;
  sum.retried += counts.retried;
}

}  // namespace

Gateway::Gateway(GatewayConfig config, EndWatch& watch, std::unique_ptr<GatewayDedup> dedup)
    : config_(std::move(config)), dedup_(std::move(dedup)), bus_(bus_options(config_.bus)) {
  for (const SinkEndConfig& sink : config_.sinks) {
    sinks_.push_back(make_sink(sink, watch.watch(sink_name(sink))));
    packs_.push_back(sink.claims ? leave_claims(*sink.claims) : nullptr);
  }
  for (const RouteConfig& route : config_.routes) ways_.push_back(make_way(route));
  for (const SourceEndConfig& source : config_.sources) add_source(source, watch);
}

void Gateway::add_source(const SourceEndConfig& config, EndWatch& watch) {
  std::unique_ptr<Source> source = make_source(config, watch.watch(source_name(config)));
  SourceBridgeOptions options = bridge_options(config);
  deduplicated_.push_back(nullptr);
  if (!config.identity.empty() && dedup_ != nullptr) {
    auto deduplicated = dedup_->wrap(std::move(source), config, watch.watch(dedup_name(config)));
    deduplicated_.back() = deduplicated.get();
    source = std::move(deduplicated);
  } else if (!config.identity.empty()) {
    options.identity = header_of(config.identity);
  }
  sources_.push_back(std::move(source));
  bridges_.push_back(std::make_unique<SourceBridge>(bus_, *sources_.back(), std::move(options)));
}

SourceBridge::Counts Gateway::counts_of(std::size_t source) const {
  SourceBridge::Counts counts = bridges_[source]->counts();
  if (deduplicated_[source] == nullptr) return counts;
  const std::uint64_t copies = deduplicated_[source]->copies();
  counts.copies += copies;
  counts.received += copies;
  return counts;
}

Gateway::Way Gateway::make_way(const RouteConfig& route) {
  return {route.name, text_of(route),
          route.sink ? make_sink_way(bus_, *sinks_[*route.sink], route, packs_[*route.sink])
                     : make_alert_way(bus_, route)};
}

Status Gateway::start() {
  bus_.start();
  for (const auto& sink : sinks_) {
    if (Status started = sink->start(); !started) return started;
  }
  // Only now: whoever asks for health meets sinks that have begun.
  if (!config_.metrics_listen.empty()) {
    auto served = GatewayMetrics::serve(
        config_.metrics_listen, [this] { return metrics(); }, [this] { return health(); });
    if (!served) return served.error();
    server_ = std::move(*served);
  }
  for (const auto& bridge : bridges_) {
    if (Status started = bridge->start(); !started) return started;
  }
  return Nothing{};
}

Status Gateway::reload(GatewayConfig next) {
  if (next.fixed != config_.fixed) {
    return Error{"more than the routes has changed, which takes a restart", next.file.string()};
  }
  std::vector<std::unique_lock<std::mutex>> held;
  for (const auto& bridge : bridges_) held.push_back(bridge->hold());
  const std::scoped_lock lock(mutex_);
  // Made first: one that cannot be made changes nothing.
  std::vector<Way> made;
  try {
    for (const RouteConfig& route : next.routes) {
      if (std::ranges::find(ways_, text_of(route), &Way::text) == ways_.end()) made.push_back(make_way(route));
    }
  } catch (const ConfigError& error) {
    return Error{error.what(), next.file.string()};
  }
  std::vector<Way> now;
  for (const RouteConfig& route : next.routes) {
    auto& from = std::ranges::find(made, text_of(route), &Way::text) != made.end() ? made : ways_;
    const auto at = std::ranges::find(from, text_of(route), &Way::text);
    now.push_back(std::move(*at));
    from.erase(at);
  }
  // Only now, so that what is on its way to a changed route goes to its successor, which is of the same group.
  for (Way& gone : ways_) {
    gone.route->close();
    former_.push_back(std::move(gone));
  }
  drop_former();
  ways_ = std::move(now);
  config_.routes = std::move(next.routes);
  return Nothing{};
}

void Gateway::drop_former() {
  std::erase_if(former_, [this](const Way& way) {
    if (!way.route->is_idle()) return false;
    add_to(dropped_[way.name], way.route->counts());
    return true;
  });
}

std::map<std::string, SinkBridge::Counts> Gateway::totals() const {
  const std::scoped_lock lock(mutex_);
  auto totals = dropped_;
  for (const auto* ways : {&ways_, &former_}) {
    for (const Way& way : *ways) add_to(totals[way.name], way.route->counts());
  }
  return totals;
}

void Gateway::tell(const NamedHealth& end) {
  ReceivedMessage told;
  told.message.topic = "$headrace/adapters/" + end.name;
  std::ranges::replace_if(
      told.message.topic,
      [](char c) { return c == ' ' || c == '.' || c == '+' || c == '#' || c == '*' || c == '\0'; }, '_');
  told.message.content_type = "application/json";
  told.message.body = to_json(end);
  const std::string topic = told.message.topic;
  // When the bus refuses it, the console has said it all the same.
  static_cast<void>(bus_.publish(topic, RelayedMessage{std::make_shared<Relay>(std::move(told)), 0}));
}

milliseconds Gateway::left(std::chrono::steady_clock::time_point deadline) const {
  const auto rest = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
  return std::max(rest, milliseconds(0));
}

GatewayReport Gateway::stop() {
  GatewayReport report;
  const auto deadline = std::chrono::steady_clock::now() + config_.bus.stop_deadline;
  // None takes any more before one of them waits for what is under way; and nobody waits for a sink that has given
  // up.
  for (const auto& source : sources_) source->pause();
  for (const auto& sink : sinks_) {
    if (sink->health().state == AdapterState::gave_up) static_cast<void>(sink->stop(milliseconds(0)));
  }
  for (const auto& bridge : bridges_) report.unsettled += bridge->stop(left(deadline));
  const StopReport stopped = bus_.stop(left(deadline));
  for (const auto& sink : sinks_) static_cast<void>(sink->stop(left(deadline)));
  server_.reset();
  report.balanced = stopped.ledger.balanced();
  for (std::size_t i = 0; i < bridges_.size(); ++i) {
    report.lines.push_back(report_line(config_.sources[i].name, counts_of(i)));
  }
  for (const auto& [name, counts] : totals()) {
    const bool there = std::ranges::find(ways_, name, &Way::name) != ways_.end();
    report.lines.push_back(report_line(name + (there ? "" : " (former)"), counts));
  }
  return report;
}

std::vector<NamedHealth> Gateway::health() const {
  std::vector<NamedHealth> ends;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    ends.push_back({source_name(config_.sources[i]), sources_[i]->health()});
  }
  for (std::size_t i = 0; i < sinks_.size(); ++i) {
    ends.push_back({sink_name(config_.sinks[i]), sinks_[i]->health()});
  }
  if (dedup_ != nullptr) std::ranges::move(dedup_->health(), std::back_inserter(ends));
  return ends;
}

std::vector<MetricFamily> Gateway::metrics() {
  auto all = headrace::metrics_of(bus_.snapshot());
  const auto add = [&](std::vector<MetricFamily> more) { std::ranges::move(more, std::back_inserter(all)); };
  add(headrace::metrics_of(health()));
  for (std::size_t i = 0; i < bridges_.size(); ++i) {
    add(metrics_of(config_.sources[i].name, counts_of(i)));
  }
  for (const auto& [name, counts] : totals()) add(metrics_of(name, counts));
  return all;
}

}  // namespace headrace::program
