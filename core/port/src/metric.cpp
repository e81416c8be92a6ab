#include "headrace/port/metric.hpp"

#include <array>

namespace headrace {
namespace {

constexpr std::array kStates{AdapterState::idle,    AdapterState::connecting, AdapterState::up,
                             AdapterState::blocked, AdapterState::down,       AdapterState::gave_up};

}  // namespace

std::vector<MetricFamily> metrics_of(const std::vector<NamedHealth>& ends) {
  MetricFamily state{
      "headrace_adapter_state", "Whether an adapter is in this state with its broker.", MetricKind::gauge, {}};
  MetricFamily connections{
      "headrace_adapter_connections_total", "Connections that an adapter has made.", MetricKind::counter, {}};
  for (const NamedHealth& end : ends) {
    for (const AdapterState each : kStates) {
      state.samples.push_back({{{"adapter", end.name}, {"state", std::string(to_string(each))}},
                               end.health.state == each ? 1.0 : 0.0});
    }
    connections.samples.push_back({{{"adapter", end.name}}, static_cast<double>(end.health.connections)});
  }
  return {std::move(state), std::move(connections)};
}

std::vector<MetricFamily> metrics_of(std::string_view name, const DeadLetterCounts& counts) {
  const auto family = [&](std::string_view what, std::string_view help, MetricKind kind, std::uint64_t value) {
    return MetricFamily{"headrace_dead_letters_" + std::string(what),
                        std::string(help),
                        kind,
                        {{{{"store", std::string(name)}}, static_cast<double>(value)}}};
  };
  constexpr auto kGauge = MetricKind::gauge;
  constexpr auto kCounter = MetricKind::counter;
  return {
      family("stored", "Dead letters in the store, those taken for redrive too.", kGauge, counts.stored),
      family("parked_keys", "Keys whose later events are kept behind a dead letter.", kGauge, counts.parked_keys),
      family("added_total", "Dead letters added, with those found when the store was opened.", kCounter,
             counts.added),
      family("replaced_total", "Dead letters added again while they were still there.", kCounter, counts.replaced),
      family("settled_total", "Dead letters that were redriven.", kCounter, counts.settled),
      family("discarded_total", "Dead letters that were discarded.", kCounter, counts.discarded),
      family("dropped_total", "Dead letters dropped by the store to make room.", kCounter, counts.dropped),
      family("refused_total", "Dead letters that found no room, each time anew.", kCounter, counts.refused)};
}

}  // namespace headrace
