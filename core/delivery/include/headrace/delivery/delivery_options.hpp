#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "headrace/delivery/breaker_change.hpp"
#include "headrace/delivery/circuit_breaker.hpp"
#include "headrace/delivery/dedup_by.hpp"
#include "headrace/delivery/dedup_table.hpp"
#include "headrace/delivery/exception_policy.hpp"
#include "headrace/delivery/key_order.hpp"
#include "headrace/delivery/retry_budget.hpp"
#include "headrace/delivery/retry_policy.hpp"
#include "headrace/delivery/watch_slot.hpp"
#include "headrace/port/dead_letter_store.hpp"

namespace headrace {

class EventTypes;

/// What happens to an event whose time to live was over before a handler saw it.
enum class WhenExpired : std::uint8_t { drop, dead_letter };

/// What happens beside the report when a call of a handler takes longer than handler_limit.
enum class OnOverrun : std::uint8_t {
  report,  ///< nothing
  /// Another thread becomes the worker, with all its shards, and the call's own has only that call left; its outcome
  /// is settled when there is one. Meanwhile no event waits for it but the subscription's own: all of them with
  /// Placement::pinned, those of the same key with sharded. At most DispatcherOptions::stand_ins_max of a worker's
  /// threads are left behind at a time; then it waits.
  ///
  /// The handler then runs beside other handlers of its worker, and must share nothing with them unsynchronised. It
  /// must take one event at a time. Each event is kept before it is handled, which costs about as much as a retry
  /// without delay. Without worker threads it is `report`. Does not go with a breaker.
  move_shards,
};

/// What happens to a copy of an event that is being handled.
enum class WhenInProgress : std::uint8_t {
  wait,  ///< it comes again until the first one is done
  drop,  ///< waits as well where a sender wants to hear what became of it: an event of a broker or of a durable topic
};

/// Handles each event once within the window, by its id; or by its key, or by a function of what is in it. Events
/// without an id (see PublishOptions) are no copies of each other then.
///
/// Without a store each worker remembers its own: right for pinned and sharded groups, whose copies come to one
/// worker; of sharded ones with `by` only if events that are the same have the same key.
struct Deduplicated {
  DedupWindow window = {};
  std::shared_ptr<DedupStore> store = {};  ///< shared by several processes, or by the workers of a balanced group
  bool by_key = false;  ///< two events of one topic and key are the same event; its type must have a key
  DedupBy by = {};      ///< two events of which it says the same are the same event, whatever their topics
  WhenInProgress when_in_progress = WhenInProgress::wait;
  WhenDedupDown when_down = WhenDedupDown::fail_closed;
};

/// How the events of one subscription are settled. The default is what costs nothing: one attempt, and what fails
/// is counted and reported.
struct DeliveryOptions {
  bool ordered = false;  ///< later events of a key wait behind the one that is retried
  RetryPolicy retry = {};
  ExceptionPolicy exceptions = {};
  std::optional<RetryBudgetOptions> retry_budget = {};
  std::optional<CircuitBreakerOptions> breaker = {};
  KeyOrderOptions waiting = {};  ///< room for events behind a held key or an open breaker, on each worker
  std::optional<Deduplicated> deduplicated = {};
  WhenExpired when_expired = WhenExpired::drop;
  std::chrono::nanoseconds handler_limit = {};  ///< a call that takes longer is a SlowHandler; zero: none is
  OnOverrun on_overrun = OnOverrun::report;     ///< with handler_limit
  bool park_key = false;  ///< later events of a key whose event was given up go behind it, into the dead letters
  std::shared_ptr<DeadLetterStore> dead_letters = {};  ///< none: the bus's; if it has none either, events fail
};

/// What the bus does for all its subscriptions.
struct DeliveryDefaults {
  std::shared_ptr<DeadLetterStore> dead_letters = {};
  /// How events become bytes and come back, for stores that outlive the process: without it a subscription with such
  /// a store is a ConfigError. What is given up of a type that it does not know fails.
  std::shared_ptr<const EventTypes> event_types = {};
  std::uint32_t timers_max = 65'536;     ///< pending retries, on each worker
  std::uint32_t scheduled_max = 65'536;  ///< publications that wait for their time, on the whole bus
  std::chrono::nanoseconds tick = std::chrono::milliseconds(1);
  std::uint64_t seed = 0;  ///< of jitter; 0: a different one each run
  /// A circuit breaker opened, probes, or closed. On the worker's thread; must not block. The bus pauses the sources
  /// of its InboundEvents and SourceBridges by itself.
  std::function<void(const BreakerChange&)> on_breaker = {};
  /// A handler runs longer than its subscription's handler_limit, and has not returned: when it passes the limit,
  /// and each time that its age has doubled. On a thread of its own, at most half the shortest limit late; must
  /// not throw. A bus without worker threads does not call it: see Bus::slow_handlers().
  std::function<void(const SlowHandler&)> on_slow_handler = {};
};

}  // namespace headrace
