#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "headrace/base/cache_line.hpp"
#include "headrace/route/detail/exact_filters.hpp"
#include "headrace/route/detail/hash_index.hpp"
#include "headrace/route/detail/id_lists.hpp"
#include "headrace/route/detail/level_keys.hpp"
#include "headrace/route/detail/pool.hpp"
#include "headrace/route/detail/text_pool.hpp"
#include "headrace/route/filter.hpp"

namespace headrace {

/// Many filters, each with an id; finds the ids whose filters match a topic.
/// Threads:   one writer with nobody else there, or any number of matches at once: build it, then share it const.
/// Progress:  match wait-free.   Allocates: insert, erase, copying. match: what `out` lacks, and when a topic
///            meets more than kMarksInline filters' places below an AMQP `#` in the middle.
/// Limits:    match takes 25 KB of stack, for the most levels that a name can have.
/// Cost:      of a match: by the levels of the topic and the places that match so far, not by the filters there
///            are. An exact filter is one hash look-up and never in the trie. Of a copy: of its memory (flat
///            arrays).
/// Invariant: I1  a node has a child or an id, or is a root
///            I2  a node is in edges_ under its parent and level exactly when that level is literal
///            I3  a `#` that comes last is no node but the list `rest` of the node before it
class FilterTrie {
 public:
  FilterTrie();

  /// The same filter may have many ids; each insert is undone by one erase. Ids lie below 2^32 - 1.
  void insert(const Filter& filter, std::uint32_t id);
  /// False when this filter never had that id.
  bool erase(const Filter& filter, std::uint32_t id);

  /// Appends the ids of the filters that match a valid topic name, each once for each insert, in no order.
  void match(std::string_view topic, std::vector<std::uint32_t>& out) const;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  static constexpr std::size_t kMarksInline = 32;

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  using NodeIndex = std::uint32_t;

  /// One cache line. All that a step of a match needs is here, but for the way to literal children.
  struct alignas(kCacheLineBytes) Node {
    std::uint64_t low = 0;  ///< the level that leads here, when it is literal
    std::uint64_t high = 0;
    detail::IdList here;  ///< filters that end at this level
    detail::IdList rest;  ///< filters that go on with a last `#`
    NodeIndex parent = kNone;
    NodeIndex one = kNone;            ///< child by `+` or `*`
    NodeIndex many = kNone;           ///< child by a `#` that is not last
    std::uint32_t literals = 0;       ///< literal children
    NodeIndex only_literal = kNone;   ///< the child, as long as there has been one: found without a look-up
    std::uint32_t literals_seen = 0;  ///< a bit of each literal child's hash: most misses end here
    std::uint32_t tail = kNone;       ///< what the level has beyond 16 bytes
    std::uint16_t level_bytes = 0;
    Filter::Level kind = Filter::Level::literal;
    bool below_many = false;

    [[nodiscard]] static std::uint32_t seen_bit(const detail::LevelKey& level) noexcept {
      return std::uint32_t{1} << (level.hash >> 59);
    }
    [[nodiscard]] bool leads_nowhere() const noexcept {
      return here.empty() && rest.empty() && one == kNone && many == kNone && literals == 0;
    }
  };
  static_assert(sizeof(Node) == kCacheLineBytes);

  /// AMQP filters that begin with a wildcard have a root of their own: they match `$` topics, MQTT's do not.
  static constexpr NodeIndex kRoot = 0;
  static constexpr NodeIndex kRootAmqpWildcards = 1;

  struct Path;
  class Marks;
  class Walk;

  [[nodiscard]] static std::uint32_t edge_tag(NodeIndex parent, const detail::LevelKey& level) noexcept;
  [[nodiscard]] bool is_at(const Node& node, const detail::LevelKey& level) const noexcept;
  [[nodiscard]] NodeIndex literal_child(NodeIndex parent, const detail::LevelKey& level) const noexcept;
  [[nodiscard]] NodeIndex child(NodeIndex parent, const detail::LevelKey& level) const noexcept;
  [[nodiscard]] NodeIndex add_child(NodeIndex parent, const detail::LevelKey& level);
  void remove_node(NodeIndex node, const detail::LevelKey& level);

  detail::ExactFilters exact_;
  detail::Pool<Node> nodes_;
  detail::HashIndex edges_;
  detail::IdLists ids_;
  detail::TextPool texts_;
  std::size_t size_ = 0;
  std::size_t wildcards_ = 0;
};

}  // namespace headrace
