#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "headrace/base/time_source.hpp"
#include "headrace/base/topology.hpp"
#include "headrace/event/event_id.hpp"

namespace headrace {

/// What a worker does while there is nothing to do.
enum class Wait : std::uint8_t {
  adaptive,    ///< spins as long as spinning has paid lately, then parks: the default
  spin,        ///< never leaves the core: lowest latency, for a core of its own
  spin_yield,  ///< spins, then offers the core to others: never sleeps
  park,        ///< sleeps at once: for programs that are mostly idle
};

/// Where a group's events are handled.
enum class Placement : std::uint8_t {
  pinned,    ///< on one worker: the group's handlers never run at the same time as each other. The default
  sharded,   ///< by key over all workers: same key, same worker
  balanced,  ///< on whichever worker is free: no order
};

/// What happens to an event of a group whose lane is full.
struct Overflow {
  enum class Policy : std::uint8_t { block, fail, drop_newest, drop_oldest, conflate, spill };

  Policy policy = Policy::block;
  std::chrono::nanoseconds deadline = std::chrono::nanoseconds::max();  ///< block only
  std::uint32_t budget_events = 0;  ///< drop_oldest, conflate, spill: how many may wait behind a full lane

  /// The publisher waits for room, at most until the deadline. Inside a handler, where waiting could deadlock, the
  /// event waits behind the lane instead, within DispatcherOptions::handler_backlog_events.
  static constexpr Overflow block(std::chrono::nanoseconds deadline = std::chrono::nanoseconds::max()) {
    return {Policy::block, deadline, 0};
  }
  /// The publisher is told `full` and nothing is published to anybody.
  static constexpr Overflow fail() { return {Policy::fail, {}, 0}; }
  /// The new event is dropped and counted.
  static constexpr Overflow drop_newest() { return {Policy::drop_newest, {}, 0}; }
  /// Up to `budget` events wait behind the lane; then the oldest of those is dropped and counted.
  static constexpr Overflow drop_oldest(std::uint32_t budget = 1024) { return {Policy::drop_oldest, {}, budget}; }
  /// Of each key only the latest waits behind the lane; the one it replaces is dropped and counted. More than
  /// `budget` keys waiting: `full`.
  static constexpr Overflow conflate(std::uint32_t budget = 65'536) { return {Policy::conflate, {}, budget}; }
  /// Up to `budget` events wait behind the lane; then `full`.
  static constexpr Overflow spill(std::uint32_t budget = 1'048'576) { return {Policy::spill, {}, budget}; }

  friend bool operator==(const Overflow&, const Overflow&) = default;
};

/// Which events a subscription sees, and where. Every field has a default: `{}` is a group of its own on one
/// worker.
struct RoutingOptions {
  std::string filter = {};  ///< topics; empty: exactly the event type's own topic
  std::string group = {};   ///< subscriptions that share the work; empty: a group of its own
  std::string name = {};    ///< for reports; empty: the group or the filter
  Placement placement = Placement::pinned;
  int worker = -1;  ///< pinned only: which worker; -1: the bus spreads groups evenly
  Overflow overflow = Overflow::block();
};

/// Whether the bus counts what each publisher and each handler publishes to each topic, for EventFlow.
enum class Flow : std::uint8_t {
  not_counted,  ///< costs nothing: the default
  counted,      ///< costs a publish a nanosecond or two (bench row `flow.counted`)
};

/// A handler that threw: the event counts as failed, the others go on.
struct HandlerError {
  std::string_view subscription;
  std::string_view topic;
  std::string_view what;
  unsigned worker;
};

/// A lane filled beyond high_watermark, or ran empty after that. Sources stop reading in between.
struct Watermark {
  enum class Level : std::uint8_t { high, low };
  Level level;
  unsigned publisher;
  unsigned worker;
  std::uint64_t used_bytes;
  std::uint64_t capacity_bytes;
};

/// A publisher has waited for a worker for longer than slow_after.
struct SlowConsumer {
  std::string_view subscription;  ///< whose handler ran when the worker was looked at; may be empty
  unsigned worker;
  std::chrono::nanoseconds waited;
};

struct DispatcherOptions {
  unsigned workers = 1;  ///< 0: no threads, the host calls poll()
  unsigned polled_workers =
      1;  ///< with workers = 0: how many the host polls, by poll() all or one by poll_worker()
  Pin pin = Pin::none;
  Wait wait = Wait::adaptive;
  std::size_t lane_bytes = std::size_t{1} << 18;     ///< of each publisher to each worker; a power of two
  unsigned publishers_max = 256;                     ///< handles alive at once, implicit ones of threads included
  unsigned topics_max = 65'536;                      ///< distinct topics of each event type
  std::size_t balanced_slots = 1024;                 ///< events of balanced groups that wait, of each publisher
  std::uint32_t handler_backlog_events = 1'048'576;  ///< what a worker may publish beyond full lanes
  double high_watermark = 0.75;                      ///< of a lane's bytes, 0.5 to 1
  /// How many threads of each worker may be in handlers that were left behind: see OnOverrun::move_shards.
  unsigned stand_ins_max = 4;
  std::chrono::nanoseconds slow_after = std::chrono::seconds(1);
  TimeSource time = {};  ///< for timers and time stamps; the machine's own
  Flow flow = Flow::not_counted;
  bool repeatable = false;  ///< for simulations: the same calls do the same, no clock but `time` is asked
  std::function<EventId()> make_id = {};  ///< of events published without one; EventId::make()
  /// Callbacks run on the thread that noticed, a publisher's or a worker's; they must not block.
  std::function<void(const HandlerError&)> on_handler_error = {};
  std::function<void(const Watermark&)> on_watermark = {};
  std::function<void(const SlowConsumer&)> on_slow_consumer = {};
};

}  // namespace headrace
