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
  std::uint32_t deliveries = 0;              ///< handlers that see each event: what the ledger counts
  std::vector<Target> fixed;                 ///< pinned groups: one for each worker and overflow policy
  std::vector<std::vector<Target>> sharded;  ///< one list for each overflow policy; slot = shard_of(key)
  std::vector<std::vector<const DispatchEntry*>> balanced;  ///< one list for each group: its members take turns
  std::vector<const DispatchEntry*> entries;                ///< all of the above, each once

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
  std::uint64_t key_hash = 0;           ///< stands in for the key of events that have none
  Atomic<const Route*> route{nullptr};  // writer: the Dispatcher, under its mutex
};

}  // namespace headrace
