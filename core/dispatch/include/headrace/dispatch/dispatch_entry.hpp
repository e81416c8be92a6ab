#pragma once

#include <cstddef>
#include <cstdint>

#include "headrace/base/atomic.hpp"
#include "headrace/base/cache_line.hpp"
#include "headrace/dispatch/handler_list.hpp"
#include "headrace/ring/frame_word.hpp"

namespace headrace {

struct TopicNode;

/// What a frame's tag stands for: one topic's events at one place, which is a worker and an overflow policy, or a
/// shard slot, or a balanced group's member. An entry is permanent; subscriptions come and go behind it. So a
/// publisher that still uses an old route publishes to handlers that are right by the time the worker looks, and
/// nothing has to be reclaimed from publishers that write no mark of what they read.
///
/// Ordering:  T3 -> T4  a worker sees the handlers subscribed before the event was published
struct alignas(kCacheLineBytes) DispatchEntry {
  struct Place {
    Placement placement = Placement::pinned;
    int worker = -1;         ///< pinned: which
    std::uint32_t slot = 0;  ///< of a sharded list, or of a balanced group's members
    Overflow overflow;
    bool boxed = false;  ///< frames carry SharedEvent pointers instead of events
    friend bool operator==(const Place&, const Place&) = default;
  };

  Atomic<const HandlerList*> handlers{nullptr};  // writer: the Dispatcher, under its mutex
  const TopicNode* topic = nullptr;
  const EventOps* ops = nullptr;
  FrameKind kind;
  std::uint32_t tag = 0;
  bool plain = false;  ///< frames carry events without meta that need no destruction
  Place place;

  /// How many deliveries an event is at this place. @thread inside a RouteReader
  [[nodiscard]] std::uint64_t deliveries() const noexcept {
    const auto* list = handlers.load(std::memory_order_acquire);  // T4 <- T3
    return list->size() == 0 ? 1 : list->size();
  }
  /// Tells the senders who wait for it that these deliveries have ended without a handler. `events` as they lie side
  /// by side, each with its meta.
  void tell_unhandled(const void* events, std::uint32_t count) const noexcept {
    if (ops->answers == nullptr) [[likely]]
      return;
    const auto* at = static_cast<const std::byte*>(events);
    for (std::uint32_t i = 0; i < count; ++i, at += ops->size) ops->answers->unhandled(at);
  }
};

}  // namespace headrace
