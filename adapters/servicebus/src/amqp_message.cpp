#include "amqp_message.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <span>
#include <utility>

#include "headrace/port/number_text.hpp"
#include "headrace/servicebus/message_headers.hpp"

namespace headrace::servicebus {
namespace {

constexpr std::uint64_t kDataSection = 0x75;
constexpr std::size_t kSessionIdMax = 128;                  ///< as Service Bus has it; of a message-id too
constexpr std::size_t kHeadersMax = std::size_t{60} << 10;  ///< of Service Bus's 64 KiB

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

/// A later header of the same name counts: AMQP's properties have each name once.
bool is_repeated_later(const Message& message, std::size_t at) {
  const auto rest = std::span(message.headers).subspan(at + 1);
  return std::ranges::any_of(rest, [&](const auto& header) { return header.first == message.headers[at].first; });
}

/// Texts, numbers and truths; maps and lists are nothing that a Message could carry.
std::optional<std::string> property_text(pn_data_t* value) {
  if (const auto text = text_at(value)) return std::string(*text);
  if (const auto number = number_at(value)) return std::to_string(*number);
  switch (pn_data_type(value)) {
    case PN_BOOL:
      return pn_data_get_bool(value) ? "true" : "false";
    case PN_FLOAT:
      return number_text(pn_data_get_float(value));
    case PN_DOUBLE:
      return number_text(pn_data_get_double(value));
    default:
      return std::nullopt;
  }
}

/// Of a message-id or correlation-id: AMQP has four kinds of them. Nothing for none.
std::string id_text(pn_msgid_t id) {
  switch (id.type) {
    case PN_STRING:
    case PN_BINARY:
      return std::string(text_of(id.u.as_bytes));
    case PN_ULONG:
      return std::to_string(id.u.as_ulong);
    case PN_UUID: {
      constexpr std::string_view kHex = "0123456789abcdef";
      std::string text;
      for (std::size_t i = 0; i < sizeof id.u.as_uuid.bytes; ++i) {
        if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
        const auto byte = static_cast<unsigned char>(id.u.as_uuid.bytes[i]);
        text += kHex[byte >> 4U];
        text += kHex[byte & 15U];
      }
      return text;
    }
    default:
      return {};
  }
}

void put_entry(pn_data_t* map, std::string_view name, std::string_view value) {
  pn_data_put_string(map, bytes_of(name));
  pn_data_put_string(map, bytes_of(value));
}

/// The bytes of all data sections. A body may have several, of which pn_message_decode() keeps the last.
std::optional<std::string> data_sections(std::string_view message) {
  const std::unique_ptr<pn_data_t, decltype(&pn_data_free)> section(pn_data(16), &pn_data_free);
  std::string content;
  while (!message.empty()) {
    pn_data_clear(section.get());
    const ssize_t used = pn_data_decode(section.get(), message.data(), message.size());
    if (used <= 0) return std::nullopt;
    message.remove_prefix(static_cast<std::size_t>(used));
    pn_data_rewind(section.get());
    if (!pn_data_next(section.get()) || !pn_data_is_described(section.get())) continue;
    pn_data_enter(section.get());
    const bool is_data = pn_data_next(section.get()) && pn_data_type(section.get()) == PN_ULONG &&
                         pn_data_get_ulong(section.get()) == kDataSection;
    if (is_data && pn_data_next(section.get())) content += text_at(section.get()).value_or("");
  }
  return content;
}

}  // namespace

void schedule(Message& message, std::chrono::system_clock::time_point when) {
  const auto since_1970 = std::chrono::duration_cast<std::chrono::milliseconds>(when.time_since_epoch());
  message.headers.emplace_back(kEnqueueTimeHeader, std::to_string(since_1970.count()));
}

bool is_carried(const Message& message) {
  std::size_t bytes = message.topic.size() + message.key.size() + message.content_type.size();
  for (const auto& [name, value] : message.headers) bytes += name.size() + value.size() + 16;
  const bool plain_type = std::ranges::all_of(message.content_type, [](char c) { return c > 0 && c < 0x7f; });
  return bytes <= kHeadersMax && message.key.size() <= kSessionIdMax && plain_type && !has_nul(message.topic) &&
         !has_nul(message.key);
}

Result<std::string_view> MessageWriter::of(const Message& message, const Marks& marks) {
  pn_message_t* const out = message_.get();
  pn_message_clear(out);
  pn_message_set_inferred(out, true);  // the body is bytes, not a value that holds bytes
  if (!message.topic.empty()) pn_message_set_subject(out, message.topic.c_str());
  if (!message.content_type.empty()) pn_message_set_content_type(out, message.content_type.c_str());
  if (!message.key.empty()) pn_message_set_group_id(out, message.key.c_str());
  if (marks.ttl_ms != 0) pn_message_set_ttl(out, marks.ttl_ms);
  pn_message_set_id(out, {PN_STRING, {.as_bytes = bytes_of(marks.id)}});
  if (Status written = write_headers(message, marks); !written) return written.error();
  const std::string_view body(reinterpret_cast<const char*>(message.body.data()), message.body.size());
  pn_data_put_binary(pn_message_body(out), bytes_of(body));
  bytes_.clear();
  encode(out, bytes_);
  return std::string_view(bytes_);
}

Status MessageWriter::write_headers(const Message& message, const Marks& marks) {
  const std::string where = "servicebus sink";
  pn_data_t* const properties = pn_message_properties(message_.get());
  pn_data_put_map(properties);
  pn_data_enter(properties);
  if (marks.again) put_entry(properties, kAgainHeader, "true");
  for (std::size_t i = 0; i < message.headers.size(); ++i) {
    const auto& [name, value] = message.headers[i];
    if (is_repeated_later(message, i) || (marks.again && name == kAgainHeader)) continue;
    if (name == kSequenceNumberHeader) continue;  // another broker's
    if (name == kMessageIdHeader) {
      if (value.empty() || value.size() > kSessionIdMax) {
        return Error{"header " + name + " must have 1 to 128 bytes", where};
      }
      pn_message_set_id(message_.get(), {PN_STRING, {.as_bytes = bytes_of(value)}});
    } else if (name == kEnqueueTimeHeader) {
      const auto when = whole_number(value);
      if (!when) return Error{"header " + name + " must be milliseconds since 1970", where};
      pn_data_t* const annotations = pn_message_annotations(message_.get());
      pn_data_put_map(annotations);
      pn_data_enter(annotations);
      pn_data_put_symbol(annotations, bytes_of("x-opt-scheduled-enqueue-time"));
      pn_data_put_timestamp(annotations, *when);
      pn_data_exit(annotations);
    } else {
      put_entry(properties, name, value);
    }
  }
  pn_data_exit(properties);
  return Nothing{};
}

std::optional<IncomingMessage> MessageReader::of(std::string_view bytes) {
  pn_message_t* const in = message_.get();
  pn_message_clear(in);
  if (pn_message_decode(in, bytes.data(), bytes.size()) != 0) return std::nullopt;
  IncomingMessage incoming;
  Message& message = incoming.message;
  message.topic = text_of(pn_message_get_subject(in));
  if (message.topic.empty()) message.topic = entity_;
  message.key = text_of(pn_message_get_group_id(in));
  message.content_type = text_of(pn_message_get_content_type(in));
  incoming.deliveries_before = pn_message_get_delivery_count(in);
  each_entry(pn_message_properties(in), [&](std::string_view name, pn_data_t* value) {
    if (name == kAgainHeader) {
      incoming.sent_before = true;
    } else if (auto text = property_text(value)) {
      message.headers.emplace_back(name, std::move(*text));
    }
  });
  const std::string id = id_text(pn_message_get_id(in));
  if (!id.starts_with(kOwnIdPrefix)) add_foreign_header(message, kForeignIdHeader, id);
  add_foreign_header(message, kForeignCorrelationHeader, id_text(pn_message_get_correlation_id(in)));
  each_entry(pn_message_annotations(in), [&](std::string_view name, pn_data_t* value) {
    if (name == "x-opt-sequence-number") incoming.sequence_number = number_at(value).value_or(0);
    if (name == "x-opt-locked-until") incoming.locked_until_ms = number_at(value).value_or(0);
  });
  pn_data_t* const body = pn_message_body(in);
  pn_data_rewind(body);
  if (!pn_data_next(body)) return std::nullopt;  // proton decodes much that is no message, but finds no body in it
  if (pn_data_type(body) == PN_NULL) return incoming;
  const bool is_data = pn_message_is_inferred(in) && pn_data_type(body) == PN_BINARY;
  const std::optional<std::string> sections = is_data ? data_sections(bytes) : std::nullopt;
  const std::optional<std::string_view> text = is_data ? sections : text_at(body);
  if (!text) return std::nullopt;
  const auto content = std::as_bytes(std::span(*text));
  message.body.assign(content.begin(), content.end());
  return incoming;
}

}  // namespace headrace::servicebus
