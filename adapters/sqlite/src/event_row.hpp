#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "connection.hpp"
#include "headrace/port/event_store.hpp"
#include "names.hpp"

namespace headrace::sqlite {

/// The columns of an event, of `events e`, in the order in which read_event takes them.
inline constexpr std::string_view kEventColumns =
    "e.position, e.event_id, e.stream_id, e.stream_version, e.topic_id, e.topic_version, e.happened_ns, "
    "e.stored_ns, e.key, e.correlation_id, e.causation_id, e.tags, e.headers, e.content_type, e.body, e.checksum";

inline constexpr std::string_view kInsertEvent =
    "INSERT INTO events (position, event_id, stream_id, stream_version, topic_id, topic_version, happened_ns, "
    "stored_ns, key, correlation_id, causation_id, tags, headers, content_type, body, checksum) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

/// Where an event stands, by the numbers of the file.
struct EventPlace {
  EventPosition position;
  EventId id;
  std::int64_t stream_id;
  StreamVersion version;
  std::int64_t topic_id;
  std::int64_t stored_ns;
};

/// Runs kInsertEvent: SQLITE_DONE or an error.
[[nodiscard]] int insert_event(Statement& insert, const EventPlace& place, const EncodedEvent& event);

enum class RowFault { none, no_stream, no_topic, bad_id, bad_list, checksum };
[[nodiscard]] std::string_view describe(RowFault fault) noexcept;

/// Where events are read into, and the names that they refer to. Strings of the event are used again.
struct EventReading {
  Names& streams;
  Names& topics;
  StoredEvent event = {};
  EventPosition position = 0;  ///< of the row, damaged or not
  RowFault fault = RowFault::none;
};

/// Reads the current row.
void read_event(const Statement& row, EventReading& reading);

/// Teaches the connection the SQL function take_event(kEventColumns), which reads an event while its row is being
/// made: a third of what reading took was the way of sixteen columns out of a finished row. For selects that sort
/// nothing: the row that was stepped to last is the one that was read. `reading` outlives the connection.
[[nodiscard]] Status add_event_function(Connection& connection, EventReading& reading);

/// Ids as 16 bytes, big-endian, so that they sort by time.
struct IdBytes {
  explicit IdBytes(const EventId& id) noexcept;
  [[nodiscard]] std::span<const std::byte> span() const noexcept { return bytes; }
  std::array<std::byte, 16> bytes;
};
/// NULL for no id. `bytes` are those of `id`, and stay until the statement ran.
void bind_id(Statement& statement, int at, const EventId& id, const IdBytes& bytes) noexcept;
/// None for bytes that are no id.
[[nodiscard]] EventId read_id(std::span<const std::byte> bytes) noexcept;

}  // namespace headrace::sqlite
