#include "amqp_message.hpp"

#include <algorithm>
#include <span>

#include "connection.hpp"
#include "headrace/port/number_text.hpp"

namespace headrace::rabbitmq {
namespace {

constexpr std::size_t kShortMax = 255;
constexpr std::size_t kHeadersMax = std::size_t{64} << 10;

std::optional<std::int64_t> number_of(const amqp_field_value_t& value) {
  switch (value.kind) {
    case AMQP_FIELD_KIND_I8:
      return value.value.i8;
    case AMQP_FIELD_KIND_U8:
      return value.value.u8;
    case AMQP_FIELD_KIND_I16:
      return value.value.i16;
    case AMQP_FIELD_KIND_U16:
      return value.value.u16;
    case AMQP_FIELD_KIND_I32:
      return value.value.i32;
    case AMQP_FIELD_KIND_U32:
      return value.value.u32;
    case AMQP_FIELD_KIND_I64:
      return value.value.i64;
    case AMQP_FIELD_KIND_U64:
    case AMQP_FIELD_KIND_TIMESTAMP:
      return static_cast<std::int64_t>(value.value.u64);
    default:
      return std::nullopt;
  }
}

/// Texts, numbers and truths; tables and arrays are nothing that a Message could carry.
std::optional<std::string> header_text(const amqp_field_value_t& value) {
  if (value.kind == AMQP_FIELD_KIND_UTF8 || value.kind == AMQP_FIELD_KIND_BYTES) {
    return std::string(text_of(value.value.bytes));
  }
  if (value.kind == AMQP_FIELD_KIND_BOOLEAN) return value.value.boolean != 0 ? "true" : "false";
  if (value.kind == AMQP_FIELD_KIND_F32) return number_text(value.value.f32);
  if (value.kind == AMQP_FIELD_KIND_F64) return number_text(value.value.f64);
  const auto number = number_of(value);
  return number ? std::optional(std::to_string(*number)) : std::nullopt;
}

/// x-death: one table for each queue and reason, with its count.
unsigned most_deaths(const amqp_field_value_t& value) {
  if (value.kind != AMQP_FIELD_KIND_ARRAY) return 0;
  std::int64_t most = 0;
  for (const auto& death :
       std::span(value.value.array.entries, static_cast<std::size_t>(value.value.array.num_entries))) {
    if (death.kind != AMQP_FIELD_KIND_TABLE) continue;
    const amqp_table_t& table = death.value.table;
    for (const auto& field : std::span(table.entries, static_cast<std::size_t>(table.num_entries))) {
      if (text_of(field.key) == "count") most = std::max(most, number_of(field.value).value_or(0));
    }
  }
  return static_cast<unsigned>(std::clamp<std::int64_t>(most, 0, 1'000'000));
}

/// What AMQP has a field for, which holds 255 bytes.
bool is_own_field(std::string_view name, std::string_view value) {
  return (name == kForeignIdHeader || name == kForeignCorrelationHeader) && !value.empty() &&
         value.size() <= kShortMax;
}

void take_header(Incoming& incoming, const amqp_table_entry_t& header) {
  const std::string_view name = text_of(header.key);
  if (name == "x-death") {
    incoming.deaths += most_deaths(header.value);
  } else if (name == "x-delivery-count") {
    incoming.deaths +=
        static_cast<unsigned>(std::clamp<std::int64_t>(number_of(header.value).value_or(0), 0, 1'000'000));
  } else if (name == kAgainHeader) {
    incoming.sent_before = true;
  } else if (name == kPublishHeader) {
    if (const auto number = number_of(header.value)) incoming.publish = static_cast<std::uint64_t>(*number);
  } else if (auto text = header_text(header.value)) {
    if (name == kKeyHeader) {
      incoming.message.key = std::move(*text);
    } else {
      incoming.message.headers.emplace_back(name, std::move(*text));
    }
  }
}

}  // namespace

amqp_table_entry_t& OutgoingProperties::add(std::string_view name, amqp_field_value_kind_t kind) {
  amqp_table_entry_t& made = entries_.emplace_back();
  made.key = bytes_of(name);
  made.value.kind = static_cast<std::uint8_t>(kind);
  return made;
}

const amqp_basic_properties_t& OutgoingProperties::of(const Message& message, const Marks& marks) {
  entries_.clear();
  for (const auto& [name, value] : message.headers) {
    if (marks.again && name == kAgainHeader) continue;  // a table has a name once
    if (is_own_field(name, value)) continue;
    add(name, AMQP_FIELD_KIND_UTF8).value.value.bytes = bytes_of(value);
  }
  if (!message.key.empty()) add(kKeyHeader, AMQP_FIELD_KIND_UTF8).value.value.bytes = bytes_of(message.key);
  if (marks.again) add(kAgainHeader, AMQP_FIELD_KIND_BOOLEAN).value.value.boolean = 1;
  if (marks.publish)
    add(kPublishHeader, AMQP_FIELD_KIND_I64).value.value.i64 = static_cast<std::int64_t>(*marks.publish);
  properties_ = {};
  properties_._flags = AMQP_BASIC_DELIVERY_MODE_FLAG;
  properties_.delivery_mode = marks.delivery_mode;
  if (!message.content_type.empty()) {
    properties_._flags |= AMQP_BASIC_CONTENT_TYPE_FLAG;
    properties_.content_type = bytes_of(message.content_type);
  }
  for (const auto& [name, value] : message.headers) {
    if (!is_own_field(name, value)) continue;
    const bool is_id = name == kForeignIdHeader;
    properties_._flags |= is_id ? AMQP_BASIC_MESSAGE_ID_FLAG : AMQP_BASIC_CORRELATION_ID_FLAG;
    (is_id ? properties_.message_id : properties_.correlation_id) = bytes_of(value);
  }
  if (!entries_.empty()) {
    properties_._flags |= AMQP_BASIC_HEADERS_FLAG;
    properties_.headers = {static_cast<int>(entries_.size()), entries_.data()};
  }
  return properties_;
}

bool is_carried(const Message& message) noexcept {
  if (message.topic.size() > kShortMax || message.content_type.size() > kShortMax) return false;
  std::size_t bytes = message.key.size();
  for (const auto& [name, value] : message.headers) {
    if (name.size() > kShortMax) return false;
    bytes += name.size() + value.size() + 8;
  }
  return bytes <= kHeadersMax;
}

Incoming to_incoming(amqp_bytes_t routing_key, const amqp_message_t& message) {
  Incoming incoming;
  incoming.message.topic = text_of(routing_key);
  const amqp_basic_properties_t& properties = message.properties;
  if ((properties._flags & AMQP_BASIC_CONTENT_TYPE_FLAG) != 0) {
    incoming.message.content_type = text_of(properties.content_type);
  }
  if ((properties._flags & AMQP_BASIC_HEADERS_FLAG) != 0) {
    const amqp_table_t& headers = properties.headers;
    for (const auto& header : std::span(headers.entries, static_cast<std::size_t>(headers.num_entries))) {
      take_header(incoming, header);
    }
  }
  if ((properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0) {
    add_foreign_header(incoming.message, kForeignIdHeader, text_of(properties.message_id));
  }
  if ((properties._flags & AMQP_BASIC_CORRELATION_ID_FLAG) != 0) {
    add_foreign_header(incoming.message, kForeignCorrelationHeader, text_of(properties.correlation_id));
  }
  const auto body = std::as_bytes(std::span(static_cast<const char*>(message.body.bytes), message.body.len));
  incoming.message.body.assign(body.begin(), body.end());
  return incoming;
}

}  // namespace headrace::rabbitmq
