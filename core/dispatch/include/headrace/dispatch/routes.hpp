#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "headrace/base/atomic.hpp"
#include "headrace/dispatch/dispatch_entry.hpp"
#include "headrace/route/shards.hpp"

namespace headrace {

/// One frame that an event becomes.
struct Target {
  std::uint32_t worker = 0;
  const DispatchEntry* entry = nullptr;
};

/// The most frequent routes in one word: the frame kind and worker of a topic with a single target, or, of one whose
/// key chooses among all workers, the kind on the first of them; each other one's is a tag further. Being a value it
/// is read without a mark: there is nothing to reclaim.
class DirectWay {
 public:
  static constexpr std::uint32_t kWorkersMax = 1024;

  constexpr DirectWay() = default;  ///< none: ask the Route
  constexpr explicit DirectWay(std::uint64_t bits) noexcept : bits_(bits) {}
  constexpr DirectWay(FrameKind kind, std::uint32_t worker) noexcept : bits_(kind.bits() | worker) {}
  [[nodiscard]] static constexpr DirectWay by_key(FrameKind first, std::uint32_t workers) noexcept {
    return DirectWay(first.bits() | kByKey | workers);
  }
  constexpr explicit operator bool() const noexcept { return bits_ != 0; }
  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr bool goes_by_key() const noexcept { return (bits_ & kByKey) != 0; }

  // One that goes to a single worker:
  [[nodiscard]] constexpr FrameKind kind() const noexcept { return FrameKind::from_bits(bits_); }
  [[nodiscard]] constexpr std::uint32_t worker() const noexcept {
    return static_cast<std::uint32_t>(bits_) & ((1U << FrameKind::kSpareBits) - 1);
  }
  // One that goes by key, to shard_of(key, workers()):
  [[nodiscard]] constexpr std::uint32_t workers() const noexcept {
    return static_cast<std::uint32_t>(bits_) & (kByKey - 1);
  }
  [[nodiscard]] constexpr FrameKind kind_on(std::uint32_t worker) const noexcept {
    return kind().tags_ahead(worker);
  }

 private:
  static constexpr std::uint32_t kByKey = 1U << (FrameKind::kSpareBits - 1);
  static_assert(kWorkersMax < kByKey);
  std::uint64_t bits_ = 0;
};

/// Where the events of one topic and type go. Immutable; replaced as a whole when subscriptions change.
struct Route {
  enum class Shape : std::uint8_t {
    nobody,
    single,   ///< one frame to one worker, events inline
    sharded,  ///< one frame, its worker chosen by key, events inline
    general,
  };
  Shape shape = Shape::nobody;
  bool boxed = false;                        ///< events travel as SharedEvent
  std::vector<Target> fixed;                 ///< pinned groups: one for each worker and overflow policy
  std::vector<std::vector<Target>> sharded;  ///< one list for each overflow policy; slot = shard_of(key)
  std::vector<std::vector<const DispatchEntry*>> balanced;  ///< one list for each group: its members take turns

  /// The way of its events in one word, where one is enough. @param topic_hash  in place of a key: of events that
  /// have none
  [[nodiscard]] DirectWay direct(bool has_key, std::uint64_t topic_hash) const noexcept;

  [[nodiscard]] const Target& shard(const std::vector<Target>& slots, std::uint64_t key_hash) const noexcept {
    return slots[shard_of(key_hash, static_cast<std::uint32_t>(slots.size()))];
  }
};

/// A topic of one event type. Lives as long as the bus.
///
/// Ordering:  T1 -> T2  a publisher sees the built route, and the entries behind it
struct TopicNode {
  std::string name;
  const EventOps* ops = nullptr;
  std::uint64_t key_hash = 0;       ///< stands in for the key of events that have none
  std::uint32_t number = 0;         ///< in the order learned
  Atomic<std::uint64_t> direct{0};  // writer: the Dispatcher, under its mutex; a DirectWay
  /// In its place with Flow::counted: so the way without counts need not ask which it is.
  Atomic<std::uint64_t> direct_counted{0};
  Atomic<const Route*> route{nullptr};  // writer: the Dispatcher, under its mutex
  std::vector<DispatchEntry*> entries;  ///< ever made for this topic; the Dispatcher's, under its mutex
};

}  // namespace headrace
