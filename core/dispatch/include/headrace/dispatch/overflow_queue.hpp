#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "headrace/base/atomic.hpp"
#include "headrace/dispatch/dispatch_entry.hpp"
#include "headrace/dispatch/shared_event.hpp"

namespace headrace {

/// Events that wait behind one full lane, oldest first. Used by policies that name a budget, never otherwise. Each
/// policy waits in a line of its own, so that no group's budget or drops touch the events of another.
///
/// Threads:   the publisher adds, replaces and drops; the worker takes.
/// Allocates: a node an event.
/// Order:     the worker takes from here only what was pending before it found the lane empty, and the publisher
///            returns to the lane only when nothing is pending, so lane and queue together keep the order of each
///            group.
/// Ordering:  O1 -> O2  the worker sees the nodes counted, and the lane's frames before them
///            O3 -> O4  the publisher returns to the lane after everything taken was handled
///            O5 -> O6  whoever takes a node's event sees it built
class OverflowQueue {
 public:
  using Policy = Overflow::Policy;
  struct Node {
    const DispatchEntry* entry;
    Atomic<SharedEvent*> event;
    Atomic<std::uint32_t> owners;  ///< the queue, and the conflation map while it may replace the event
  };

  OverflowQueue() = default;
  ~OverflowQueue();
  OverflowQueue(const OverflowQueue&) = delete;
  OverflowQueue& operator=(const OverflowQueue&) = delete;

  /// How many events wait or are being handled. @thread publisher, worker
  [[nodiscard]] std::uint64_t pending(Policy policy) const noexcept {
    return line(policy).pending.load(std::memory_order_acquire);  // O4 <- O3, O2 <- O1
  }
  [[nodiscard]] std::uint64_t pending() const noexcept {
    std::uint64_t sum = 0;
    for (const Line& line : lines_) sum += line.pending.load(std::memory_order_acquire);  // O4 <- O3, O2 <- O1
    return sum;
  }

  /// @thread publisher
  void push(const DispatchEntry& entry, SharedEvent* event);
  /// Replaces the event of this key that still waits; the replaced one comes back. Null: none waits.
  [[nodiscard]] SharedEvent* replace(const DispatchEntry& entry, std::uint64_t key, SharedEvent* event);
  [[nodiscard]] bool waits(const DispatchEntry& entry, std::uint64_t key) const;
  void push_replaceable(const DispatchEntry& entry, std::uint64_t key, SharedEvent* event);
  /// Takes the oldest event of drop_oldest out of the queue, if the worker was not quicker.
  struct Taken {
    const DispatchEntry* entry = nullptr;
    SharedEvent* event = nullptr;
  };
  [[nodiscard]] Taken drop_oldest();
  /// Nothing is pending: forget the keys.
  void forget_keys();

  /// @thread worker
  [[nodiscard]] Taken take();
  /// What was taken has been handled.
  void settle(const Taken& taken) noexcept {
    line(taken.entry->place.overflow.policy).pending.fetch_sub(1, std::memory_order_release);  // O3 -> O4
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
  struct Line {
    Line() : producer(nodes) {}
    moodycamel::ConcurrentQueue<Node*> nodes;
    moodycamel::ProducerToken producer;
    // Publisher and worker both write: it counts what is between them.
    alignas(kNoSharingBytes) Atomic<std::uint64_t> pending{0};
  };

  static void disown(Node* node) noexcept;
  // In the order of Policy; those that never queue have none.
  [[nodiscard]] static std::size_t index(Policy policy) noexcept {
    return policy == Policy::block ? 0 : policy == Policy::drop_oldest ? 1 : policy == Policy::conflate ? 2 : 3;
  }
  [[nodiscard]] Line& line(Policy policy) noexcept { return lines_[index(policy)]; }
  [[nodiscard]] const Line& line(Policy policy) const noexcept { return lines_[index(policy)]; }
  void enqueue(Node* node);
  static Taken take_from(Line& line);

  std::array<Line, 4> lines_;
  std::unordered_map<KeyOf, Node*, KeyHash> waiting_;  // owner: publisher
  std::size_t sweep_at_ = 64;                          ///< keys known when those no longer waiting are forgotten
};

}  // namespace headrace
