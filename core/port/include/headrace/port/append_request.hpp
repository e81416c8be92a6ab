#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/event/envelope.hpp"
#include "headrace/port/event_query.hpp"

namespace headrace {

/// Place of an event in the whole store: ascending in the order in which events became visible, from 1. Gaps are
/// allowed, so nothing may be computed from a position but which of two events came first. 0 is before all.
using EventPosition = std::uint64_t;

/// Place of an event in its stream: 1, 2, 3, … without gaps. 0: the stream holds no event yet.
using StreamVersion = std::uint64_t;

/// What the writer believes about a stream; the append happens only if it is so.
struct ExpectedVersion {
  enum class Kind : std::uint8_t { any, exact };
  Kind kind = Kind::any;
  StreamVersion version = 0;

  [[nodiscard]] static constexpr ExpectedVersion any() noexcept { return {}; }
  [[nodiscard]] static constexpr ExpectedVersion none() noexcept { return {Kind::exact, 0}; }
  [[nodiscard]] static constexpr ExpectedVersion exact(StreamVersion version) noexcept {
    return {Kind::exact, version};
  }
  [[nodiscard]] constexpr bool holds(StreamVersion actual) const noexcept {
    return kind == Kind::any || version == actual;
  }
};

/// Events for one stream. Without events it only demands the version.
struct StreamAppend {
  std::string stream;
  ExpectedVersion expected;
  std::vector<EncodedEvent> events;  ///< an event without an id is given one, and is not idempotent
};

/// Append only if no event behind `after` matches: what was decided by reading `unless` up to `after` still holds
/// (dynamic consistency boundary).
struct AppendCondition {
  EventQuery unless{};
  EventPosition after = 0;
};

/// All of it happens, or none.
struct AppendRequest {
  std::vector<StreamAppend> streams;  ///< each stream once
  std::vector<AppendCondition> conditions;

  [[nodiscard]] static AppendRequest to(std::string stream, ExpectedVersion expected,
                                        std::vector<EncodedEvent> events) {
    AppendRequest request;
    request.streams.push_back({std::move(stream), expected, std::move(events)});
    return request;
  }
};

enum class [[nodiscard]] AppendOutcome : std::uint8_t{
    appended,
    duplicate,         ///< every event was there already, by id and stream: the receipt is that of the first time
    version_conflict,  ///< a stream is not at its expected version
    condition_failed,  ///< an event matches a condition
    id_conflict,       ///< some ids are stored already, but not this very request
};

struct AppendReceipt {
  struct Stream {
    StreamVersion first = 0;  ///< of the events appended; 0 if none were
    StreamVersion last = 0;   ///< the stream's version now; at a conflict: what it is
  };
  AppendOutcome outcome = AppendOutcome::appended;
  EventPosition last = 0;       ///< of the request's last event; at a failed condition: of an event that matches
  std::vector<Stream> streams;  ///< one for each of the request, in its order
  std::size_t culprit = 0;      ///< index of the stream, or of the condition, that stood in the way

  /// Appended now or before.
  [[nodiscard]] bool is_stored() const noexcept { return outcome <= AppendOutcome::duplicate; }
};

inline constexpr std::size_t kStreamNameBytesMax = 1024;
inline constexpr std::size_t kTagBytesMax = 256;
inline constexpr std::size_t kTagsMax = 64;
inline constexpr std::size_t kConditionItemsMax = 256;  ///< of each condition's query
inline constexpr std::size_t kEventBytesMax = std::size_t{64} << 20;

/// What every store refuses: a request without events or with one stream, or one id, twice; names and tags that
/// are empty, too long or hold NUL; events that are too large; conditions of more than kConditionItemsMax items, or
/// with an item of more than kTagsMax tags. The error names the stream or the condition. @thread any
[[nodiscard]] Status check_append(const AppendRequest& request);

}  // namespace headrace
