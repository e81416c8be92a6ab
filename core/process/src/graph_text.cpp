#include "graph_text.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace headrace {
namespace {

using Shape = DrawnGraph::Shape;
using Look = DrawnGraph::Look;

/// A text with some characters written otherwise.
template <std::size_t N>
std::string escaped(std::string_view text, const std::array<std::pair<char, std::string_view>, N>& rules) {
  std::string out;
  for (const char c : text) {
    bool found = false;
    for (const auto& [special, written] : rules) {
      if (c == special) {
        out += written;
        found = true;
      }
    }
    if (!found) out += c;
  }
  return out;
}

std::string for_mermaid(std::string_view text) {
  constexpr std::array<std::pair<char, std::string_view>, 5> kRules{
      {{'"', "#quot;"}, {'#', "#35;"}, {'<', "#lt;"}, {'>', "#gt;"}, {'&', "#amp;"}}};
  return escaped(on_one_line(text), kRules);
}

std::string for_graphviz(std::string_view text) {
  constexpr std::array<std::pair<char, std::string_view>, 2> kRules{{{'"', "\\\""}, {'\\', "\\\\"}}};
  return escaped(on_one_line(text), kRules);
}

std::string joined(const std::vector<std::string>& lines, std::string_view between,
                   std::string (*written)(std::string_view)) {
  std::string text;
  for (const std::string& line : lines) {
    if (&line != &lines.front()) text += between;
    text += written(line);
  }
  return text;
}

std::pair<std::string_view, std::string_view> mermaid_brackets(Shape shape) {
  switch (shape) {
    case Shape::box:
      return {"[", "]"};
    case Shape::round:
      return {"(", ")"};
    case Shape::topic:
      return {"([", "])"};
  }
  return {};
}

std::string graphviz_style(const DrawnGraph::Node& node) {
  std::string style = node.shape == Shape::topic ? ", shape=ellipse" : "";
  if (node.look == Look::dead) style += ", color=red";
  if (node.look == Look::lone) return style + ", style=dashed";
  return node.shape == Shape::round ? style + ", style=rounded" : style;
}

}  // namespace

std::string on_one_line(std::string_view text) {
  std::string line{text};
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return line;
}

std::string mermaid_of(const DrawnGraph& graph) {
  std::string text = graph.direction == DrawnGraph::Direction::down ? "flowchart TD\n" : "flowchart LR\n";
  for (const auto& node : graph.nodes) {
    const auto [open, close] = mermaid_brackets(node.shape);
    text += "  " + node.id;
    text.append(open).append("\"").append(joined(node.lines, "<br/>", for_mermaid)).append("\"").append(close);
    text += node.look == Look::dead ? ":::dead\n" : node.look == Look::lone ? ":::lone\n" : "\n";
  }
  for (const auto& arrow : graph.arrows) {
    const std::string line = arrow.label.empty() ? " --> " : " -- \"" + for_mermaid(arrow.label) + "\" --> ";
    text += "  " + arrow.from + line + arrow.to + "\n";
  }
  const auto has = [&](Look look) { return std::ranges::count(graph.nodes, look, &DrawnGraph::Node::look) != 0; };
  if (has(Look::dead)) text += "  classDef dead stroke:#c00,stroke-width:3px\n";
  if (has(Look::lone)) text += "  classDef lone stroke-dasharray:4\n";
  return text;
}

std::string graphviz_of(const DrawnGraph& graph) {
  std::string text = "digraph " + graph.name + " {\n";
  if (graph.direction == DrawnGraph::Direction::right) text += "  rankdir=LR\n";
  text += "  node [shape=box]\n";
  for (const auto& node : graph.nodes) {
    text += "  " + node.id + " [label=\"" + joined(node.lines, "\\n", for_graphviz) + "\"" + graphviz_style(node) +
            "]\n";
  }
  for (const auto& arrow : graph.arrows) {
    const std::string label = arrow.label.empty() ? "" : " [label=\"" + for_graphviz(arrow.label) + "\"]";
    text += "  " + arrow.from + " -> " + arrow.to + label + "\n";
  }
  return text + "}\n";
}

}  // namespace headrace
