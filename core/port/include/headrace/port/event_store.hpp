#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/event/envelope.hpp"
#include "headrace/port/append_request.hpp"
#include "headrace/port/event_query.hpp"

namespace headrace {

struct StoredEvent {
  EventPosition position = 0;
  std::string stream;
  StreamVersion version = 0;
  EventTime stored_at{};
  EncodedEvent event;
};

enum class Direction : std::uint8_t { forward, backward };
enum class [[nodiscard]] Visit : std::uint8_t{more, stop};

/// Called for each event of a read, on the reader's thread. The event may be moved from. A visitor may use the
/// store, and may not throw.
using EventVisitor = std::function<Visit(StoredEvent&)>;

inline constexpr std::uint64_t kToTheEnd = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

/// The events from..to of one stream.
struct StreamRead {
  std::string stream;
  StreamVersion from = 1;
  StreamVersion to = kToTheEnd;
  Direction direction = Direction::forward;
  std::size_t limit = kNoLimit;
};

/// The matching events behind `after`, up to and with `to`, of the whole store.
struct GlobalRead {
  EventPosition after = 0;
  EventPosition to = kToTheEnd;
  Direction direction = Direction::forward;
  std::size_t limit = kNoLimit;
  EventQuery query{};
};

struct ReadEnd {
  std::size_t events = 0;  ///< visited
  /// Forward reads of the whole store: every event up to here was looked at, so this is where to read on, also
  /// when none matched. Otherwise the position of the last event visited.
  EventPosition through = 0;
};

struct StreamInfo {
  std::string name;
  StreamVersion version = 0;  ///< 0: no such stream
  StreamVersion first = 1;    ///< the first event that truncation has left
};

/// What a store can do; the conformance suite and the adapter's README come from it.
struct EventStoreCapabilities {
  std::string name;
  bool durable = false;             ///< what it acknowledged survives a crash of the process
  bool survives_power_cut = false;  ///< and of the machine
  bool between_processes = false;   ///< several programs may use it at once
};

/// Keeps events, in streams and in one order over all of them.
/// Threads:   every function from any thread.
/// Order:     append returns when its events are durable (as far as the store is) and visible to every later read.
///            An event becomes visible behind all that are visible already: who has read up to a position finds
///            everything new behind it. Events of one request follow each other.
/// Errors:    a conflict is an outcome. An Error says that the store could not do it: with Retry::maybe nothing
///            has happened and trying again may help. After an error with Retry::no from the disk the events may
///            or may not be there: append them again, with the same ids, when the store has been opened anew.
class EventStore {
 public:
  virtual ~EventStore() = default;

  /// Checks in this order: ids, expected versions, conditions.
  [[nodiscard]] virtual Result<AppendReceipt> append(const AppendRequest& request) = 0;
  /// The same without waiting: `done` is called once, perhaps before submit returns, perhaps on another thread; it
  /// must be short, must not throw and must not call the store. Requests of one thread keep their order.
  virtual void submit(AppendRequest request, std::function<void(Result<AppendReceipt>)> done) = 0;

  /// A stream that nobody wrote to is empty.
  [[nodiscard]] virtual Result<ReadEnd> read_stream(const StreamRead& read, const EventVisitor& visitor) = 0;
  /// Sees every event that was appended before the call; those appended meanwhile, perhaps.
  [[nodiscard]] virtual Result<ReadEnd> read_all(const GlobalRead& read, const EventVisitor& visitor) = 0;

  [[nodiscard]] virtual Result<StreamInfo> stream(std::string_view name) = 0;
  /// By name, those behind `after`: pages of a long list.
  [[nodiscard]] virtual Result<std::vector<StreamInfo>> streams(std::string_view after, std::size_t limit) = 0;
  /// Of the newest event, also if it has been truncated; 0 in an empty store.
  [[nodiscard]] virtual Result<EventPosition> last_position() = 0;
  /// Waits until an event stands behind the position, the time is over, or stop is asked for: the last position.
  /// Read, then wait for more than `through`, then read behind it: catches up and goes live without a seam.
  [[nodiscard]] virtual Result<EventPosition> wait_beyond(EventPosition position, std::chrono::milliseconds time,
                                                          std::stop_token stop) = 0;

  /// Removes the events before the version for good. Versions and positions of others stay; the ids are forgotten.
  [[nodiscard]] virtual Status truncate_stream(std::string_view name, StreamVersion keep_from) = 0;
  /// Removes the events before the position, of all streams.
  [[nodiscard]] virtual Status truncate_all(EventPosition keep_from) = 0;

  [[nodiscard]] virtual EventStoreCapabilities capabilities() const = 0;
};

}  // namespace headrace
