#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "graph_text.hpp"
#include "headrace/process/trace.hpp"

namespace headrace {
namespace {

/// UTC, to the millisecond: lines tell the rest by their distance.
std::string utc_text(EventTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::milliseconds>(time - day)};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text.data();
}

std::string distance_text(std::chrono::nanoseconds time) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%+.3f ms", static_cast<double>(time.count()) / 1e6);
  return text.data();
}

std::string place_of(const TraceEvent& event) {
  if (event.stream.empty()) return "not stored";
  return event.stream + "@" + std::to_string(event.version);
}

std::string line_of(const TraceEvent& event, const TraceEvent& root) {
  std::string line = event.topic + "  " + place_of(event);
  if (!event.key.empty()) line += "  key " + event.key;
  for (const auto& [name, value] : event.headers) line += "  " + name + "=" + value;
  line += "  " + (&event == &root ? utc_text(event.time) : distance_text(event.time - root.time));
  if (event.dead_letter) line += "  DEAD LETTER " + *event.dead_letter;
  return on_one_line(line);
}

/// The event and all that it caused, a line each. Without recursion: a chain of causes
/// may be longer than a stack is deep.
std::string tree_of(const Trace& trace, std::size_t root) {
  struct Line {
    std::size_t event;
    std::string lead;    ///< in front of it
    std::string indent;  ///< in front of its effects
  };
  std::string text;
  std::vector<Line> todo{{root, "", ""}};
  while (!todo.empty()) {
    const Line line = std::move(todo.back());
    todo.pop_back();
    const TraceEvent& event = trace.events[line.event];
    text += line.lead + line_of(event, trace.events[root]) + "\n";
    for (std::size_t at = event.effects.size(); at-- > 0;) {
      const bool is_last = at + 1 == event.effects.size();
      todo.push_back(
          {event.effects[at], line.indent + (is_last ? "└─ " : "├─ "), line.indent + (is_last ? "   " : "│  ")});
    }
  }
  return text;
}

DrawnGraph drawn(const Trace& trace) {
  const auto id = [](std::size_t event) { return "e" + std::to_string(event); };
  DrawnGraph graph{.name = "trace", .nodes = {}, .arrows = {}};
  for (std::size_t at = 0; at < trace.events.size(); ++at) {
    const TraceEvent& event = trace.events[at];
    const auto look = event.dead_letter ? DrawnGraph::Look::dead : DrawnGraph::Look::plain;
    graph.nodes.push_back({id(at), {event.topic, place_of(event)}, DrawnGraph::Shape::box, look});
    for (const std::size_t effect : event.effects) graph.arrows.push_back({id(at), id(effect)});
  }
  return graph;
}

}  // namespace

std::string to_text(const Trace& trace) {
  std::string text = "correlation " + trace.correlation.to_string() + ": " + std::to_string(trace.events.size()) +
                     (trace.events.size() == 1 ? " event\n" : " events\n");
  for (const std::size_t root : trace.roots) text += tree_of(trace, root);
  return text;
}

std::string to_mermaid(const Trace& trace) { return mermaid_of(drawn(trace)); }
std::string to_graphviz(const Trace& trace) { return graphviz_of(drawn(trace)); }

}  // namespace headrace
