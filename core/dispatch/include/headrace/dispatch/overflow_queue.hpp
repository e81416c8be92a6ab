#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "headrace/base/atomic.hpp"
#include "headrace/dispatch/dispatch_entry.hpp"
#include "headrace/dispatch/shared_event.hpp"

namespace headrace {

/// Events that wait behind one full lane, oldest first. Used by policies that name a budget, never otherwise.
///
/// Threads:   the publisher adds, replaces and drops; the worker takes. Allocates: a node an event.
/// Order:     the worker takes from here only what it finds after the lane ran empty, and the publisher returns to
/// the
///            lane only when nothing is pending, so lane and queue together keep the publisher's order.
/// Ordering:  O1 -> O2  the worker sees the nodes counted, and the lane's frames before them
///            O3 -> O4  the publisher returns to the lane after everything taken was handled
///            O5 -> O6  whoever takes a node's event sees it built
class OverflowQueue {
 public:
  struct Node {
    const DispatchEntry* entry;
    Atomic<SharedEvent*> event;
    Atomic<std::uint32_t> owners;  ///< the queue, and the conflation map while it may replace the event
  };

  OverflowQueue() : producer_(nodes_) {}
  ~OverflowQueue();
  OverflowQueue(const OverflowQueue&) = delete;
  OverflowQueue& operator=(const OverflowQueue&) = delete;

  /// @thread publisher
  [[nodiscard]] std::uint64_t pending() const noexcept {
    return pending_.load(std::memory_order_acquire);  // O4 <- O3
  }
  void push(const DispatchEntry& entry, SharedEvent* event);
  /// Replaces the event of this key that still waits; the replaced one comes back. Null: none waits.
  [[nodiscard]] SharedEvent* replace(const DispatchEntry& entry, std::uint64_t key, SharedEvent* event);
  [[nodiscard]] bool waits(const DispatchEntry& entry, std::uint64_t key) const {
    return waiting_.contains({&entry, key});
  }
  void push_replaceable(const DispatchEntry& entry, std::uint64_t key, SharedEvent* event);
  /// Takes the oldest event out of the queue, if the worker was not quicker.
  struct Taken {
    const DispatchEntry* entry = nullptr;
    SharedEvent* event = nullptr;
  };
  [[nodiscard]] Taken drop_oldest();
  /// Nothing is pending: forget the keys.
  void forget_keys();

  /// @thread worker
  [[nodiscard]] bool has_pending() const noexcept {
    return pending_.load(std::memory_order_acquire) != 0;  // O2 <- O1
  }
  [[nodiscard]] Taken take();
  /// What was taken has been handled.
  void settle(std::uint64_t count) noexcept {
    pending_.fetch_sub(count, std::memory_order_release);  // O3 -> O4
  }

 private:
  struct KeyOf {
    const DispatchEntry* entry;
    std::uint64_t key;
    friend bool operator==(const KeyOf&, const KeyOf&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const KeyOf& of) const noexcept {
      return mix64(of.key ^ reinterpret_cast<std::uintptr_t>(of.entry));
    }
  };
  static void disown(Node* node) noexcept;
  void enqueue(Node* node);
  Taken take_from_queue();

  moodycamel::ConcurrentQueue<Node*> nodes_;
  moodycamel::ProducerToken producer_;
  std::unordered_map<KeyOf, Node*, KeyHash> waiting_;  // owner: publisher
  // Publisher and worker both write: it counts what is between them.
  alignas(kNoSharingBytes) Atomic<std::uint64_t> pending_{0};
};

}  // namespace headrace
