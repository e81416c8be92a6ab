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
/// topics_max.
///
/// Ordering:  Y1 -> Y2  a publisher sees a type's cache built
class TopicTable {
 public:
  static constexpr std::size_t kEventTypesMax = 1024;

  explicit TopicTable(std::uint32_t topics_max) : topics_max_(topics_max) {}
  ~TopicTable() {
    for (auto& type : types_) delete type.load(std::memory_order_relaxed);  // no partner: nobody else is left
  }

  /// @thread any  @progress wait-free
  [[nodiscard]] TopicNode* find(const EventOps& ops, std::string_view name) const noexcept {
    const Type* type = types_[ops.type].load(std::memory_order_acquire);  // Y2 <- Y1
    if (type == nullptr) return nullptr;
    TopicNode* const* found = type->cache.find(name);
    return found == nullptr ? nullptr : *found;
  }

  /// A topic that nobody can find yet; null when topics_max of this type are known. The name must be new.
  /// @thread under the Dispatcher's mutex
  [[nodiscard]] std::unique_ptr<TopicNode> make(const EventOps& ops, std::string_view name) const {
    HEADRACE_CHECK("topics.types", ops.type < kEventTypesMax, "a bus knows at most 1,023 event types");
    const Type* type = types_[ops.type].load(std::memory_order_relaxed);  // own store under the mutex, no partner
    if (type != nullptr && type->cache.size() == topics_max_) return nullptr;
    auto node = std::make_unique<TopicNode>();
    node->name = name;
    node->ops = &ops;
    node->key_hash = hash_bytes(name);
    return node;
  }

  /// From here on publishers find it: its route must be set. @thread under the Dispatcher's mutex
  TopicNode& add(std::unique_ptr<TopicNode> node) {
    Type* type = types_[node->ops->type].load(std::memory_order_relaxed);  // own store under the mutex, no partner
    if (type == nullptr) {
      type = new Type(topics_max_);
      types_[node->ops->type].store(type, std::memory_order_release);  // Y1 -> Y2
    }
    const CacheInsert inserted = type->cache.insert(node->name, node.get());
    HEADRACE_CHECK("topics.add", inserted == CacheInsert::inserted, "the topic is known, or there are too many");
    return *nodes_.emplace_back(std::move(node));
  }

  /// @thread under the Dispatcher's mutex
  [[nodiscard]] const std::vector<std::unique_ptr<TopicNode>>& all() const noexcept { return nodes_; }

 private:
  struct Type {
    explicit Type(std::uint32_t topics_max) : cache(topics_max) {}
    TopicCache<TopicNode*> cache;
  };
  const std::uint32_t topics_max_;
  std::array<Atomic<Type*>, kEventTypesMax> types_{};
  std::vector<std::unique_ptr<TopicNode>> nodes_;
};

}  // namespace headrace
