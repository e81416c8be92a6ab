#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace headrace {

/// A graph as Mermaid and Graphviz both draw it. Labels may hold anything; what is special to either is written
/// otherwise, and control characters become spaces.
struct DrawnGraph {
  enum class Shape : unsigned char { box, round, topic };
  enum class Look : unsigned char {
    plain,
    dead,  ///< red, in a thick line
    lone,  ///< dashed: something is missing
  };
  enum class Direction : unsigned char { down, right };

  struct Node {
    std::string id;  ///< letters and digits
    std::vector<std::string> lines;
    Shape shape = Shape::box;
    Look look = Look::plain;
  };
  struct Arrow {
    std::string from;
    std::string to;
    std::string label = {};  ///< empty: none
  };

  std::string name;  ///< letters
  Direction direction = Direction::down;
  std::vector<Node> nodes;
  std::vector<Arrow> arrows;
};

[[nodiscard]] std::string mermaid_of(const DrawnGraph& graph);
[[nodiscard]] std::string graphviz_of(const DrawnGraph& graph);

/// One line, whatever it holds.
[[nodiscard]] std::string on_one_line(std::string_view text);

}  // namespace headrace
