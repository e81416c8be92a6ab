#include "event_row.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "checksum.hpp"
#include "text_list.hpp"

namespace headrace::sqlite {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

void put(std::byte* to, std::uint64_t value) noexcept {
  for (unsigned byte = 0; byte < 8; ++byte) to[byte] = static_cast<std::byte>(value >> (56 - 8 * byte));
}

/// What the checksum covers, as the columns hold it.
struct Checked {
  EventPlace place;
  std::uint32_t topic_version;
  std::int64_t happened_ns;
  EventId correlation;
  EventId causation;
  std::array<std::string_view, 4> texts;  ///< key, tags, headers, content type
  std::span<const std::byte> body;
};

std::int64_t checksum_of(const Checked& row) noexcept {
  Checksum sum;
  for (const std::uint64_t number :
       {row.place.position, row.place.id.high, row.place.id.low, static_cast<std::uint64_t>(row.place.stream_id),
        row.place.version, static_cast<std::uint64_t>(row.place.topic_id), std::uint64_t{row.topic_version},
        static_cast<std::uint64_t>(row.happened_ns), static_cast<std::uint64_t>(row.place.stored_ns),
        row.correlation.high, row.correlation.low, row.causation.high, row.causation.low}) {
    sum.add(number);
  }
  for (const std::string_view text : row.texts) sum.add(bytes_of(text));
  sum.add(row.body);
  return sum.value();
}

void bind_text(Statement& statement, int at, std::string_view text) noexcept {
  if (text.empty()) {
    statement.bind_null(at);
  } else {
    statement.bind(at, text);
  }
}

}  // namespace

void bind_id(Statement& statement, int at, const EventId& id, const IdBytes& bytes) noexcept {
  if (id) {
    statement.bind(at, bytes.span());
  } else {
    statement.bind_null(at);
  }
}

IdBytes::IdBytes(const EventId& id) noexcept {
  put(bytes.data(), id.high);
  put(bytes.data() + 8, id.low);
}

EventId read_id(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() != 16) return {};
  EventId id;
  for (std::size_t i = 0; i < 8; ++i) id.high = id.high << 8 | static_cast<std::uint64_t>(bytes[i]);
  for (std::size_t i = 8; i < 16; ++i) id.low = id.low << 8 | static_cast<std::uint64_t>(bytes[i]);
  return id;
}

int insert_event(Statement& insert, const EventPlace& place, const EncodedEvent& event) {
  const Envelope& envelope = event.envelope;
  const std::string tags = to_json(envelope.tags);
  const std::string headers = to_json(envelope.headers);
  const IdBytes id(place.id);
  const IdBytes correlation(envelope.correlation);
  const IdBytes causation(envelope.causation);
  const std::int64_t happened_ns = envelope.time.time_since_epoch().count();
  const std::int64_t checksum = checksum_of({place,
                                             envelope.version,
                                             happened_ns,
                                             envelope.correlation,
                                             envelope.causation,
                                             {envelope.key, tags, headers, event.content_type},
                                             event.body});
  const Running running(insert);
  insert.bind(1, place.position);
  insert.bind(2, id.span());
  insert.bind(3, place.stream_id);
  insert.bind(4, place.version);
  insert.bind(5, place.topic_id);
  insert.bind(6, std::int64_t{envelope.version});
  if (happened_ns == 0) {
    insert.bind_null(7);
  } else {
    insert.bind(7, happened_ns);
  }
  insert.bind(8, place.stored_ns);
  bind_text(insert, 9, envelope.key);
  bind_id(insert, 10, envelope.correlation, correlation);
  bind_id(insert, 11, envelope.causation, causation);
  bind_text(insert, 12, tags);
  bind_text(insert, 13, headers);
  bind_text(insert, 14, event.content_type);
  insert.bind(15, std::span<const std::byte>(event.body));
  insert.bind(16, checksum);
  return insert.step();
}

std::string_view describe(RowFault fault) noexcept {
  switch (fault) {
    case RowFault::none:
      return "fine";
    case RowFault::no_stream:
      return "its stream is unknown";
    case RowFault::no_topic:
      return "its topic is unknown";
    case RowFault::bad_id:
      return "its id is none";
    case RowFault::bad_list:
      return "its tags or headers cannot be read";
    case RowFault::checksum:
      return "its checksum does not fit";
  }
  return "unknown";
}

namespace {

/// The values of a row as a function gets them.
class Values {
 public:
  explicit Values(sqlite3_value** values) noexcept : values_(values) {}
  [[nodiscard]] std::int64_t integer(int at) const noexcept { return sqlite3_value_int64(values_[at]); }
  [[nodiscard]] std::uint64_t number(int at) const noexcept { return static_cast<std::uint64_t>(integer(at)); }
  [[nodiscard]] std::span<const std::byte> blob(int at) const noexcept {
    const auto* bytes = static_cast<const std::byte*>(sqlite3_value_blob(values_[at]));
    if (bytes == nullptr) return {};
    return {bytes, static_cast<std::size_t>(sqlite3_value_bytes(values_[at]))};
  }

 private:
  sqlite3_value** values_;
};

/// Texts as bytes: SQLite copies a text to end it with a zero.
template <class Row>
std::string_view text_of(const Row& row, int at) noexcept {
  const std::span<const std::byte> bytes = row.blob(at);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class Row>
RowFault read_row(const Row& row, EventReading& reading) {
  StoredEvent& event = reading.event;
  Envelope& envelope = event.event.envelope;
  const EventPlace place{row.number(0), read_id(row.blob(1)), row.integer(2),
                         row.number(3), row.integer(4),       row.integer(7)};
  reading.position = place.position;
  const std::string* stream = reading.streams.find(place.stream_id);
  if (!stream) return RowFault::no_stream;
  const std::string* topic = reading.topics.find(place.topic_id);
  if (!topic) return RowFault::no_topic;
  if (!place.id) return RowFault::bad_id;

  event.position = place.position;
  event.stream = *stream;
  event.version = place.version;
  event.stored_at = EventTime{std::chrono::nanoseconds{place.stored_ns}};
  envelope.id = place.id;
  envelope.topic = *topic;
  envelope.version = static_cast<std::uint32_t>(row.integer(5));
  const std::int64_t happened_ns = row.integer(6);  // 0 for NULL
  envelope.time = EventTime{std::chrono::nanoseconds{happened_ns}};
  envelope.correlation = read_id(row.blob(9));
  envelope.causation = read_id(row.blob(10));
  const std::array<std::string_view, 4> texts = {text_of(row, 8), text_of(row, 11), text_of(row, 12),
                                                 text_of(row, 13)};
  const std::span<const std::byte> body = row.blob(14);
  const std::int64_t checksum =
      checksum_of({place, envelope.version, happened_ns, envelope.correlation, envelope.causation, texts, body});
  if (checksum != row.integer(15)) return RowFault::checksum;

  envelope.key = texts[0];
  event.event.content_type = texts[3];
  event.event.body.assign(body.begin(), body.end());
  if (!from_json(texts[1], envelope.tags) || !from_json(texts[2], envelope.headers)) return RowFault::bad_list;
  return RowFault::none;
}

/// Nothing may be thrown through SQLite.
void take_event(sqlite3_context* context, int, sqlite3_value** values) noexcept {
  auto& reading = *static_cast<EventReading*>(sqlite3_user_data(context));
  try {
    reading.fault = read_row(Values(values), reading);
    sqlite3_result_int(context, 0);
  } catch (...) {
    sqlite3_result_error_nomem(context);
  }
}

}  // namespace

void read_event(const Statement& row, EventReading& reading) { reading.fault = read_row(row, reading); }

Status add_event_function(Connection& connection, EventReading& reading) {
  constexpr int kColumns = 16;
  const int code =
      sqlite3_create_function_v2(connection.handle(), "take_event", kColumns, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                 &reading, take_event, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return connection.error(code, "prepare");
  return Nothing{};
}

}  // namespace headrace::sqlite
