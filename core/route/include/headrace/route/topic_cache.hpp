#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <type_traits>

#include "headrace/base/atomic.hpp"
#include "headrace/base/hash.hpp"

namespace headrace {

enum class CacheInsert { inserted, present, full };

/// Topic names seen before, each with what routing found for it. Entries come and never go: a change of
/// subscriptions starts a new cache with its new routing table.
/// Threads:   find from any, at any time; insert from one thread at a time (the caller's lock).
/// Progress:  find wait-free: a chain that grows while it is walked grows at its head, behind the reader.
/// Allocates: constructor, and one node an insert.
/// Limits:    entries_max entries; a new name beyond them is refused with `full` and routed without the cache.
/// Invariant: I1  a node's fields never change after it is reachable
///            I2  the chain of a bucket holds every name at most once
/// Ordering:  P1 -> C1  whoever finds a node sees its name, value and successor built
template <class V>
class TopicCache {
  static_assert(std::is_trivially_copyable_v<V> && std::is_trivially_destructible_v<V>,
                "a value is a pointer or small: readers look at it while others may, too");

 public:
  explicit TopicCache(std::uint32_t entries_max)
      : mask_(std::bit_ceil(std::uint64_t{entries_max} + 1) - 1),
        entries_max_(entries_max),
        buckets_(std::make_unique<Atomic<Node*>[]>(mask_ + 1)) {
    for (std::uint64_t i = 0; i <= mask_; ++i) {
      buckets_[i].store(nullptr, std::memory_order_relaxed);  // no partner: nobody else knows the cache yet
    }
  }

  ~TopicCache() {
    for (std::uint64_t i = 0; i <= mask_; ++i) {
      // no partner: the last user is gone
      for (Node* node = buckets_[i].load(std::memory_order_relaxed); node != nullptr;) {
        Node* const next = node->next.get();
        Node::destroy(node);
        node = next;
      }
    }
  }
  TopicCache(const TopicCache&) = delete;
  TopicCache& operator=(const TopicCache&) = delete;

  /// The value stored for the name, valid as long as the cache; nullptr when there is none.
  /// @thread any  @progress wait-free  @alloc none
  [[nodiscard]] const V* find(std::string_view topic) const noexcept {
    const std::uint64_t hash = hash_bytes(topic);
    const Node* node = buckets_[hash & mask_].load(std::memory_order_acquire);  // C1 <- P1
    for (; node != nullptr; node = node->next.get()) {
      if (node->hash.get() == hash && node->name() == topic) return &node->value;
    }
    return nullptr;
  }

  /// @thread one at a time  @alloc one node
  [[nodiscard]] CacheInsert insert(std::string_view topic, const V& value) {
    if (find(topic) != nullptr) return CacheInsert::present;
    if (entries_ == entries_max_) return CacheInsert::full;
    const std::uint64_t hash = hash_bytes(topic);
    Atomic<Node*>& bucket = buckets_[hash & mask_];
    Node* const head = bucket.load(std::memory_order_relaxed);  // no partner: inserts are serialised by the caller
    bucket.store(Node::create(topic, hash, value, head), std::memory_order_release);  // P1 -> C1
    ++entries_;
    return CacheInsert::inserted;
  }

  /// @thread the inserting one
  [[nodiscard]] std::uint32_t size() const noexcept { return entries_; }

 private:
  /// The name lies behind the node in the same allocation: a hit costs the bucket's line and the node's.
  struct Node {
    Plain<Node*> next;
    Plain<std::uint64_t> hash;
    V value;
    std::uint32_t bytes;

    [[nodiscard]] std::string_view name() const noexcept {
      return {reinterpret_cast<const char*>(this) + sizeof(Node), bytes};
    }
    static Node* create(std::string_view topic, std::uint64_t hash, const V& value, Node* next) {
      void* const memory = ::operator new (sizeof(Node) + topic.size(), std::align_val_t{alignof(Node)});
      Node* const node = ::new (memory)
          Node{Plain<Node*>{next}, Plain<std::uint64_t>{hash}, value, static_cast<std::uint32_t>(topic.size())};
      std::memcpy(static_cast<char*>(memory) + sizeof(Node), topic.data(), topic.size());
      return node;
    }
    static void destroy(Node* node) noexcept {
      std::destroy_at(node);
      ::operator delete (node, std::align_val_t{alignof(Node)});
    }
  };

  // Read by all, never written after the constructor.
  const std::uint64_t mask_;
  const std::uint32_t entries_max_;
  const std::unique_ptr<Atomic<Node*>[]> buckets_;
  // Written by the inserting thread, and seen by nobody else.
  std::uint32_t entries_ = 0;
};

}  // namespace headrace
