#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headrace::bench {

struct TransparentHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};
template <class V>
using StringMap = std::unordered_map<std::string, V, TransparentHash, std::equal_to<>>;

/// The peer: the trie of MQTT filters that most programs have, a node with a map of children. It is a careful one:
/// looked up by string_view, wildcards beside the map, nothing allocated by a match.
class MapTrie {
 public:
  void insert(std::string_view filter, std::uint32_t id) {
    Node* node = &root_;
    for (;;) {
      const std::size_t end = filter.find('/');
      const std::string_view level = filter.substr(0, end);
      if (level == "#") {
        node->rest.push_back(id);
        return;
      }
      auto& child = level == "+" ? node->one : node->children[std::string{level}];
      if (child == nullptr) child = std::make_unique<Node>();
      node = child.get();
      if (end == std::string_view::npos) break;
      filter.remove_prefix(end + 1);
    }
    node->here.push_back(id);
  }

  void match(std::string_view topic, std::vector<std::uint32_t>& out) const { match(root_, topic, false, out); }

 private:
  struct Node {
    StringMap<std::unique_ptr<Node>> children;
    std::unique_ptr<Node> one;
    std::vector<std::uint32_t> here;
    std::vector<std::uint32_t> rest;
  };

  static void match(const Node& node, std::string_view topic, bool done, std::vector<std::uint32_t>& out) {
    out.insert(out.end(), node.rest.begin(), node.rest.end());
    if (done) {
      out.insert(out.end(), node.here.begin(), node.here.end());
      return;
    }
    const std::size_t end = topic.find('/');
    const bool last = end == std::string_view::npos;
    const std::string_view rest = last ? std::string_view{} : topic.substr(end + 1);
    if (const auto child = node.children.find(topic.substr(0, end)); child != node.children.end()) {
      match(*child->second, rest, last, out);
    }
    if (node.one != nullptr) match(*node.one, rest, last, out);
  }

  Node root_;
};

}  // namespace headrace::bench
