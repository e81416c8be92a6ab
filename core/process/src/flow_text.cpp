#include "headrace/process/flow_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include "graph_text.hpp"

namespace headrace {
namespace {

double seconds_of(const EventFlow& flow) { return std::chrono::duration<double>(flow.over).count(); }

/// A count, or how often a second.
std::string amount(const EventFlow& flow, std::uint64_t events) {
  if (flow.over.count() <= 0) return std::to_string(events);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.1f/s", static_cast<double>(events) / seconds_of(flow));
  return text.data();
}

std::string period(const EventFlow& flow) {
  if (flow.over.count() <= 0) return "since the start";
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "over %.1f s", seconds_of(flow));
  return text.data();
}

const std::string& from_name(const EventFlow& flow, const EventFlow::Publication& one) {
  return one.by == EventFlow::By::publisher ? flow.publishers[one.from] : flow.subscribers[one.from].name;
}

std::string left_out(const EventFlow& flow) {
  return std::to_string(flow.topics_left_out) + (flow.topics_left_out == 1 ? " more topic" : " more topics");
}

void add_to_list(std::string& list, const std::string& item) {
  if (!list.empty()) list += ", ";
  list += item;
}

std::string line_of(const EventFlow& flow, const EventFlow::Subscriber& one) {
  std::string line = one.name + "  " + one.filter + "  " + amount(flow, one.handled) + " handled";
  if (one.failed != 0) line += ", " + amount(flow, one.failed) + " failed";
  if (one.dead_lettered != 0) line += ", " + amount(flow, one.dead_lettered) + " dead-lettered";
  return line;
}

DrawnGraph::Node node_of(const EventFlow& flow, std::size_t subscriber) {
  const EventFlow::Subscriber& one = flow.subscribers[subscriber];
  DrawnGraph::Node node{"s" + std::to_string(subscriber), {one.name}, DrawnGraph::Shape::box};
  node.lines.push_back(amount(flow, one.handled) + " handled");
  if (one.failed != 0) node.lines.push_back(amount(flow, one.failed) + " failed");
  if (one.dead_lettered != 0) node.lines.push_back(amount(flow, one.dead_lettered) + " dead-lettered");
  if (one.failed != 0 || one.dead_lettered != 0) {
    node.look = DrawnGraph::Look::dead;
  } else if (std::ranges::count(flow.deliveries, subscriber, &EventFlow::Delivery::subscriber) == 0) {
    node.look = DrawnGraph::Look::lone;
    node.lines.push_back("waits for " + one.filter);
  }
  return node;
}

DrawnGraph drawn_flow(const EventFlow& flow) {
  DrawnGraph graph{.name = "flow", .direction = DrawnGraph::Direction::right, .nodes = {}, .arrows = {}};
  const auto id = [](const char* kind, std::size_t at) { return kind + std::to_string(at); };
  for (std::size_t at = 0; at < flow.publishers.size(); ++at) {
    graph.nodes.push_back({id("p", at), {flow.publishers[at]}, DrawnGraph::Shape::round});
  }
  for (std::size_t at = 0; at < flow.topics.size(); ++at) {
    const bool heard = std::ranges::count(flow.deliveries, at, &EventFlow::Delivery::topic) != 0;
    std::vector<std::string> lines{flow.topics[at].name};
    if (flow.counted) lines.push_back(amount(flow, flow.topics[at].published));
    const auto look = heard ? DrawnGraph::Look::plain : DrawnGraph::Look::lone;
    graph.nodes.push_back({id("t", at), std::move(lines), DrawnGraph::Shape::topic, look});
  }
  if (flow.topics_left_out > 0) {
    graph.nodes.push_back({"more", {left_out(flow)}, DrawnGraph::Shape::topic, DrawnGraph::Look::lone});
  }
  for (std::size_t at = 0; at < flow.subscribers.size(); ++at) graph.nodes.push_back(node_of(flow, at));
  for (const EventFlow::Publication& one : flow.publications) {
    const char* const kind = one.by == EventFlow::By::publisher ? "p" : "s";
    graph.arrows.push_back({id(kind, one.from), id("t", one.topic), amount(flow, one.events)});
  }
  for (const EventFlow::Delivery& one : flow.deliveries) {
    graph.arrows.push_back({id("t", one.topic), id("s", one.subscriber)});
  }
  return graph;
}

}  // namespace

std::string to_text(const EventFlow& flow) {
  std::string text = "event flow " + period(flow) + "\n";
  for (std::size_t at = 0; at < flow.topics.size(); ++at) {
    std::string from;
    for (const EventFlow::Publication& one : flow.publications) {
      if (one.topic == at) add_to_list(from, from_name(flow, one) + " " + amount(flow, one.events));
    }
    std::string to;
    for (const EventFlow::Delivery& one : flow.deliveries) {
      if (one.topic == at) add_to_list(to, flow.subscribers[one.subscriber].name);
    }
    text +=
        on_one_line(flow.topics[at].name + (flow.counted ? "  " + amount(flow, flow.topics[at].published) : "")) +
        "\n";
    if (flow.counted) text += on_one_line("  from " + (from.empty() ? "nobody" : from)) + "\n";
    text += on_one_line("  to " + (to.empty() ? "nobody" : to)) + "\n";
  }
  if (flow.topics_left_out > 0) text += left_out(flow) + "\n";
  text += "subscriptions\n";
  for (const EventFlow::Subscriber& one : flow.subscribers) text += on_one_line("  " + line_of(flow, one)) + "\n";
  return text;
}

std::string to_mermaid(const EventFlow& flow) { return mermaid_of(drawn_flow(flow)); }
std::string to_graphviz(const EventFlow& flow) { return graphviz_of(drawn_flow(flow)); }

}  // namespace headrace
