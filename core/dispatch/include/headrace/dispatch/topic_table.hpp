#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "headrace/base/atomic.hpp"
#include "headrace/dispatch/routes.hpp"
#include "headrace/route/topic_cache.hpp"

namespace headrace {

/// Every topic that was ever published to, by event type. Publishers find known topics without locks; the
/// Dispatcher adds new ones under its mutex. Topics stay until the bus goes: their number is bounded by
/// topics_max. A type's first topic, mostly its own, needs no cache; the cache is built for the second.
///
/// Ordering:  Y1 -> Y2  a publisher sees a first topic, and a cache, built
class TopicTable {
 public:
  static constexpr std::size_t kEventTypesMax = 1024;

  explicit TopicTable(std::uint32_t topics_max) : topics_max_(topics_max) {}
  ~TopicTable() {
    for (auto& type : types_)
      delete type.cache.load(std::memory_order_relaxed);  // no partner: nobody else is left
  }

  /// @thread any  @progress wait-free
  [[nodiscard]] TopicNode* find(const EventOps& ops, std::string_view name) const noexcept {
    if (ops.type >= kEventTypesMax) return nullptr;
    const Type& type = types_[ops.type];
    TopicNode* first = type.first.load(std::memory_order_acquire);  // Y2 <- Y1
    if (first != nullptr && first->name == name) return first;
    const Cache* cache = type.cache.load(std::memory_order_acquire);  // Y2 <- Y1
    if (cache == nullptr) return nullptr;
    TopicNode* const* found = cache->find(name);
    return found == nullptr ? nullptr : *found;
  }

  /// Where a topic's name comes from. What comes in at run time is bounded, and never takes the type's own place.
  enum class NamedBy : std::uint8_t { type, input };

  /// A topic that nobody can find yet; null when topics_max of this type are known. The name must be new.
  /// @thread under the Dispatcher's mutex
  [[nodiscard]] std::unique_ptr<TopicNode> make(const EventOps& ops, std::string_view name, NamedBy by) const {
    HEADRACE_CHECK("topics.types", ops.type < kEventTypesMax, "a bus knows at most 1,023 event types");
    const Cache* cache = types_[ops.type].cache.load(std::memory_order_relaxed);  // own store, no partner
    if (cache != nullptr && by == NamedBy::input && cache->size() + 1 >= topics_max_) return nullptr;
    auto node = std::make_unique<TopicNode>();
    node->name = name;
    node->ops = &ops;
    node->key_hash = hash_bytes(name);
    return node;
  }

  /// From here on publishers find it: its route must be set. @thread under the Dispatcher's mutex
  TopicNode& add(std::unique_ptr<TopicNode> node) {
    Type& type = types_[node->ops->type];
    node->number = static_cast<std::uint32_t>(nodes_.size());
    TopicNode& added = *nodes_.emplace_back(std::move(node));
    if (type.first.load(std::memory_order_relaxed) == nullptr) {  // own store, no partner
      type.first.store(&added, std::memory_order_release);        // Y1 -> Y2
      return added;
    }
    Cache* cache = type.cache.load(std::memory_order_relaxed);  // own store, no partner
    if (cache == nullptr) {
      cache = new Cache(topics_max_);
      type.cache.store(cache, std::memory_order_release);  // Y1 -> Y2
    }
    const CacheInsert inserted = cache->insert(added.name, &added);
    HEADRACE_CHECK("topics.add", inserted == CacheInsert::inserted, "the topic is known, or there are too many");
    return added;
  }

  /// @thread under the Dispatcher's mutex
  [[nodiscard]] const std::vector<std::unique_ptr<TopicNode>>& all() const noexcept { return nodes_; }

 private:
  using Cache = TopicCache<TopicNode*>;
  struct Type {
    Atomic<TopicNode*> first{nullptr};
    Atomic<Cache*> cache{nullptr};
  };
  const std::uint32_t topics_max_;
  std::array<Type, kEventTypesMax> types_{};
  std::vector<std::unique_ptr<TopicNode>> nodes_;
};

}  // namespace headrace
