#include "headrace/route/filter_trie.hpp"

#include <memory>
#include <unordered_set>

#include "headrace/base/check.hpp"

namespace headrace {

using detail::LevelKey;
using detail::LevelKeys;

inline std::uint32_t FilterTrie::edge_tag(NodeIndex parent, const LevelKey& level) noexcept {
  return static_cast<std::uint32_t>(fold_multiply(level.hash ^ detail::kRoot5, parent ^ detail::kRoot2));
}

inline bool FilterTrie::is_at(const Node& node, const LevelKey& level) const noexcept {
  return node.low == level.low && node.high == level.high && node.level_bytes == level.size &&
         (level.size <= LevelKey::kInlineBytes || texts_.equals(node.tail, level.tail()));
}

inline FilterTrie::NodeIndex FilterTrie::literal_child(NodeIndex parent, const LevelKey& level) const noexcept {
  const Node& node = nodes_[parent];
  if (node.only_literal != kNone) return is_at(nodes_[node.only_literal], level) ? node.only_literal : kNone;
  if ((node.literals_seen & Node::seen_bit(level)) == 0) return kNone;
  return edges_.find(edge_tag(parent, level), [&](NodeIndex index) {
    return nodes_[index].parent == parent && is_at(nodes_[index], level);
  });
}

/// The places that a walk has been to and need not see again.
class FilterTrie::Marks {
 public:
  /// False when the place was marked before.
  bool add(std::uint64_t place) {
    for (std::size_t i = 0; i < count_; ++i) {
      if (inline_[i] == place) return false;
    }
    if (count_ < kMarksInline) {
      inline_[count_++] = place;
      return true;
    }
    if (beyond_ == nullptr) beyond_ = std::make_unique<std::unordered_set<std::uint64_t>>();
    return beyond_->insert(place).second;
  }

 private:
  std::size_t count_ = 0;
  std::uint64_t inline_[kMarksInline];
  std::unique_ptr<std::unordered_set<std::uint64_t>> beyond_;
};

/// One match. Every node is reached by one way from its root, and at one level of the topic: the trie is a tree
/// and a step takes one level. Only a `#` in the middle starts its subtree anew at every later level. What it
/// leads to at the first of them covers what the later ones would find behind the next `#`: below a `#`, another
/// one (or a `rest`) is entered once a match, and marked. So no id comes twice, and no pair of node and level is
/// walked twice.
class FilterTrie::Walk {
 public:
  Walk(const FilterTrie& trie, const LevelKeys& topic, std::vector<std::uint32_t>& out)
      : trie_(trie), topic_(topic), out_(out) {}

  void from(NodeIndex index, std::uint32_t depth) {
    for (;;) {
      const Node& node = trie_.nodes_[index];
      if (!node.rest.empty()) enter_rest(index, node);
      if (node.many != kNone) enter_many(node, depth);
      if (depth == topic_.count()) {
        trie_.ids_.append_to(out_, node.here);
        return;
      }
      const NodeIndex literal = trie_.literal_child(index, topic_[depth]);
      ++depth;
      if (node.one != kNone) {
        if (literal != kNone) from(literal, depth);
        index = node.one;
      } else if (literal != kNone) {
        index = literal;
      } else {
        return;
      }
    }
  }

 private:
  void enter_rest(NodeIndex index, const Node& node) {
    if (!node.below_many || marks_.add(std::uint64_t{index} << 1)) trie_.ids_.append_to(out_, node.rest);
  }

  void enter_many(const Node& node, std::uint32_t depth) {
    if (node.below_many && !marks_.add(std::uint64_t{node.many} << 1 | 1)) return;
    for (; depth <= topic_.count(); ++depth) from(node.many, depth);
  }

  const FilterTrie& trie_;
  const LevelKeys& topic_;
  std::vector<std::uint32_t>& out_;
  Marks marks_;
};

/// Where a filter with wildcards belongs.
struct FilterTrie::Path {
  explicit Path(const Filter& filter) {
    const bool cut = levels.cut(filter.text());
    HEADRACE_CHECK("filter_trie.levels", cut, "a parsed filter has no more levels than a topic may have");
    if (filter.starts_with_wildcard() && filter.syntax() == Filter::Syntax::amqp) root = kRootAmqpWildcards;
    nodes = levels.count() - (Filter::level(levels[levels.count() - 1].text()) == Filter::Level::many ? 1 : 0);
  }
  [[nodiscard]] bool ends_in_rest() const noexcept { return nodes < levels.count(); }

  LevelKeys levels;
  NodeIndex root = kRoot;
  std::uint32_t nodes;  ///< below the root
};

FilterTrie::FilterTrie() {
  for (const NodeIndex root : {kRoot, kRootAmqpWildcards}) {
    const NodeIndex index = nodes_.add(Node{});
    HEADRACE_CHECK("filter_trie.roots", index == root, "the roots are the first two nodes");
  }
}

FilterTrie::NodeIndex FilterTrie::child(NodeIndex parent, const LevelKey& level) const noexcept {
  switch (Filter::level(level.text())) {
    case Filter::Level::one:
      return nodes_[parent].one;
    case Filter::Level::many:
      return nodes_[parent].many;
    case Filter::Level::literal:
      break;
  }
  return literal_child(parent, level);
}

FilterTrie::NodeIndex FilterTrie::add_child(NodeIndex parent, const LevelKey& level) {
  Node node;
  node.parent = parent;
  node.kind = Filter::level(level.text());
  node.below_many = nodes_[parent].below_many || node.kind == Filter::Level::many;
  if (node.kind != Filter::Level::literal) {
    const NodeIndex index = nodes_.add(node);
    (node.kind == Filter::Level::one ? nodes_[parent].one : nodes_[parent].many) = index;
    return index;
  }
  node.low = level.low;
  node.high = level.high;
  node.level_bytes = static_cast<std::uint16_t>(level.size);
  node.tail = texts_.store(level.tail());
  const NodeIndex index = nodes_.add(node);
  edges_.insert(edge_tag(parent, level), index);
  Node& above = nodes_[parent];
  above.only_literal = above.literals_seen == 0 ? index : kNone;
  above.literals_seen |= Node::seen_bit(level);
  above.literals += 1;
  return index;
}

void FilterTrie::remove_node(NodeIndex index, const LevelKey& level) {
  const Node& node = nodes_[index];
  Node& parent = nodes_[node.parent];
  switch (node.kind) {
    case Filter::Level::one:
      parent.one = kNone;
      break;
    case Filter::Level::many:
      parent.many = kNone;
      break;
    case Filter::Level::literal:
      edges_.erase(edge_tag(node.parent, level), index);
      texts_.release(node.tail);
      if (--parent.literals == 0) {
        parent.only_literal = kNone;
        parent.literals_seen = 0;
      }
      break;
  }
  nodes_.release(index);
}

void FilterTrie::insert(const Filter& filter, std::uint32_t id) {
  HEADRACE_CHECK("filter_trie.id", id != kNone, "an id lies below 2^32 - 1");
  ++size_;
  if (filter.is_exact()) return exact_.insert(filter.text(), id);

  ++wildcards_;
  const Path path{filter};
  NodeIndex node = path.root;
  for (std::uint32_t depth = 0; depth < path.nodes; ++depth) {
    const NodeIndex next = child(node, path.levels[depth]);
    node = next != kNone ? next : add_child(node, path.levels[depth]);
  }
  ids_.add(path.ends_in_rest() ? nodes_[node].rest : nodes_[node].here, id);
}

bool FilterTrie::erase(const Filter& filter, std::uint32_t id) {
  if (filter.is_exact()) {
    const bool erased = exact_.erase(filter.text(), id);
    size_ -= erased ? 1 : 0;
    return erased;
  }
  const Path path{filter};
  NodeIndex node = path.root;
  for (std::uint32_t depth = 0; depth < path.nodes; ++depth) {
    node = child(node, path.levels[depth]);
    if (node == kNone) return false;
  }
  if (!ids_.remove(path.ends_in_rest() ? nodes_[node].rest : nodes_[node].here, id)) return false;
  --size_;
  --wildcards_;
  for (std::uint32_t depth = path.nodes; depth > 0 && nodes_[node].leads_nowhere(); --depth) {
    const NodeIndex parent = nodes_[node].parent;
    remove_node(node, path.levels[depth - 1]);
    node = parent;
  }
  return true;
}

void FilterTrie::match(std::string_view topic, std::vector<std::uint32_t>& out) const {
  if (size_ > wildcards_) exact_.append_matches(topic, out);
  if (wildcards_ == 0) return;
  LevelKeys levels;
  if (!levels.cut(topic)) return;

  Walk walk{*this, levels, out};
  if (!topic.starts_with('$')) {
    walk.from(kRoot, 0);
  } else if (const NodeIndex literal = literal_child(kRoot, levels[0]); literal != kNone) {
    walk.from(literal, 1);
  }
  if (!nodes_[kRootAmqpWildcards].leads_nowhere()) walk.from(kRootAmqpWildcards, 0);
}

}  // namespace headrace
