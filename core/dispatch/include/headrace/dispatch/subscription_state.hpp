#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
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
  // What delivery answers.
  std::uint32_t kept = 0;  ///< not settled yet: tried again later, or waiting
  std::uint32_t dead_lettered = 0;
  std::uint32_t dropped = 0;          ///< by a policy: a copy, no room to wait
  std::uint32_t expired = 0;          ///< and dropped
  std::uint32_t copies = 0;           ///< of those dropped: done before
  std::uint32_t unchecked = 0;        ///< of those handled: the store of done events was down
  std::uint32_t letters_dropped = 0;  ///< older letters that made room for those dead-lettered

  /// Of how many events it says what became of them.
  [[nodiscard]] std::uint32_t told() const noexcept {
    return handled + failed + refused + kept + dead_lettered + dropped + expired;
  }
  /// Whether there is nothing else to tell of these events.
  [[nodiscard]] bool all_handled(std::uint32_t events) const noexcept {
    return handled == events && unchecked == 0 && !ended;
  }
  bool ended = false;  ///< the handler ended its own subscription: it sees no further event
};

/// A handler of whatever type, owned. Each subscribe() has a type of its own, and a shared_ptr's block would cost the
/// compiler as much again.
using HandlerPtr = std::unique_ptr<void, void (*)(void* handler)>;

template <class Handler>
[[nodiscard]] HandlerPtr own_handler(Handler handler) {
  return {new Handler(std::move(handler)), [](void* owned) { delete static_cast<Handler*>(owned); }};
}

/// One subscription as the bus knows it, shared by its handle and by every dispatch entry that names it.
struct SubscriptionState : std::enable_shared_from_this<SubscriptionState> {
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
  bool keeps_events = false;       ///< its handler may keep an event: none may lie in a lane that cannot be copied
  bool copies = false;             ///< its events are trivially copyable
  std::shared_ptr<void> delivery;  ///< a higher layer's part, which lives as long as this

  Invoke invoke = nullptr;
  HandlerPtr handler{nullptr, nullptr};                   ///< destroyed as soon as it cannot run any more
  std::vector<std::unique_ptr<SubscriptionStats>> stats;  ///< one a worker that may run it, else null

  bool ended = false;             ///< the Dispatcher's, under its mutex: others take its place in every entry
  Atomic<bool> cancelled{false};  ///< see RunningHandler
};

}  // namespace headrace
