#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "headrace/base/atomic.hpp"
#include "headrace/dispatch/options.hpp"
#include "headrace/dispatch/subscription_stats.hpp"
#include "headrace/event/event_traits.hpp"
#include "headrace/route/filter.hpp"

namespace headrace {

class Context;

/// What one call of a handler did with the events it was given.
struct Tally {
  std::uint32_t handled = 0;
  std::uint32_t failed = 0;
  std::uint32_t refused = 0;  ///< by the subscription's predicate
  bool ended = false;         ///< the handler ended its own subscription: it sees no further event
};

/// One subscription as the bus knows it, shared by its handle and by every dispatch entry that names it.
struct SubscriptionState {
  using Invoke = void (*)(void* handler, const void* events, std::uint32_t count, Context& context, Tally& tally);

  static constexpr unsigned kAnyWorker = ~0U;

  std::uint32_t id = 0;      ///< in the filter trie
  std::uint64_t serial = 0;  ///< in the order subscribed
  std::string name;
  std::string group;  ///< unique to this subscription when the user named none
  std::optional<Filter> filter;
  EventTypeId type = kAnyEventType;  ///< kAnyEventType: sees every type
  Placement placement = Placement::pinned;
  unsigned worker = kAnyWorker;  ///< pinned: which
  Overflow overflow;

  Invoke invoke = nullptr;
  std::shared_ptr<void> handler;                          ///< destroyed as soon as it cannot run any more
  std::vector<std::unique_ptr<SubscriptionStats>> stats;  ///< one a worker that may run it, else null

  Atomic<bool> cancelled{false};  ///< see RunningHandler
};

}  // namespace headrace
