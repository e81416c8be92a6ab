#include "cloud_event.hpp"
#include "headrace/event/base64.hpp"
#include "headrace/port/codec.hpp"
#include "headrace/wire/codecs.hpp"
#include "json_text.hpp"
#include "tree_builder.hpp"

namespace headrace::wire {
namespace {

bool is_text(std::string_view content_type) {
  const std::string type = lower(media_type(content_type));
  return type.starts_with("text/") || type == "application/xml" || type.ends_with("+xml");
}

std::string_view view(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void append_data(std::string& out, const CloudEvent& event, const CodecLimits& limits) {
  if (event.data.empty()) return;
  const std::string* content_type = event.find("datacontenttype");
  const std::string_view type = content_type == nullptr ? std::string_view() : *content_type;
  // Without a content type the reader takes JSON for granted, so that other bytes must say what they are.
  // White space around JSON would not come back.
  const bool bare = view(event.data).find_first_of(" \t\r\n") != 0 &&
                    view(event.data).find_last_of(" \t\r\n") + 1 != event.data.size();
  if (bare && (content_type == nullptr || is_json(type)) && JsonCodec(limits).decode(event.data)) {
    out += ",\"data\":";
    out += view(event.data);
  } else if (content_type != nullptr && is_text(type) && text_fault(view(event.data), limits).empty()) {
    out += ",\"data\":";
    append_json_string(out, view(event.data));
  } else {
    out += ",\"data_base64\":\"" + to_base64(event.data) + "\"";
  }
}

/// What an attribute of the JSON format is as text; nothing for null, which means that there is none.
Result<std::optional<std::string>> attribute_text(const NamedField& field) {
  if (const auto* text = field.value.as<std::string>()) return std::optional(*text);
  if (const auto* flag = field.value.as<bool>()) return std::optional<std::string>(*flag ? "true" : "false");
  if (const auto number = field.value.integer<std::int64_t>()) return std::optional(std::to_string(*number));
  if (field.value.is_nothing()) return std::optional<std::string>();
  return Error{"is " + std::string(field.value.kind()) + ", must be text", "attribute " + field.name};
}

Status read_data(CloudEvent& event, const FieldValue& value, std::string_view text) {
  const std::string* content_type = event.find("datacontenttype");
  const bool json = content_type == nullptr || is_json(*content_type);
  if (!event.data.empty()) return Error{"stands beside data_base64", "data"};
  if (json) {
    event.data = bytes_of(text);
  } else if (const auto* plain = value.as<std::string>()) {
    event.data = bytes_of(*plain);
  } else if (!value.is_nothing()) {
    return Error{"is " + std::string(value.kind()) + ", must be text for content type " + *content_type, "data"};
  }
  return Nothing{};
}

Result<CloudEvent> parse_one(const FieldValue& fields, std::string_view text) {
  const auto* record = fields.as<FieldValue::Record>();
  if (record == nullptr) return Error{"is " + std::string(fields.kind()) + ", must be a record", "event"};
  CloudEvent event;
  const auto texts = json_values(text);
  std::optional<std::size_t> data;
  bool base64 = false;
  for (std::size_t i = 0; i < record->size(); ++i) {
    const NamedField& field = (*record)[i];
    if (field.name == "data") {
      data = i;
    } else if (field.name == "data_base64") {
      if (field.value.is_nothing()) continue;
      const auto* encoded = field.value.as<std::string>();
      auto bytes = encoded == nullptr ? std::nullopt : from_base64(*encoded);
      if (!bytes) return Error{"is no Base64 text", "data_base64"};
      event.data = std::move(*bytes);
      base64 = true;
    } else {
      auto value = attribute_text(field);
      if (!value) return value.error();
      if (*value) event.set(field.name, std::move(**value));
    }
  }
  if (!data) return event;
  if (base64) return Error{"stands beside data_base64", "data"};
  if (Status read = read_data(event, (*record)[*data].value, texts[*data]); !read) return read.error();
  return event;
}

}  // namespace

bool is_json(std::string_view content_type) noexcept {
  const std::string type = lower(media_type(content_type));
  return type.ends_with("/json") || type.ends_with("+json");
}

void append_structured(std::string& out, const CloudEvent& event, const CodecLimits& limits) {
  out += '{';
  for (const auto& [name, value] : event.attributes) {
    if (out.back() != '{') out += ',';
    append_json_string(out, name);
    out += ':';
    append_json_string(out, value);
  }
  append_data(out, event, limits);
  out += '}';
}

Result<std::vector<CloudEvent>> parse_structured(std::span<const std::byte> body, bool batch,
                                                 const CodecLimits& limits) {
  // Around the data stand the event and perhaps a batch; Base64 makes a text of the whole of it. What attributes
  // may be is looked at one by one.
  CodecLimits outer = limits;
  outer.depth_max += 2;
  outer.text_bytes_max = limits.body_bytes_max;
  outer.items_max = limits.body_bytes_max;
  const auto fields = JsonCodec(outer).decode(body);
  if (!fields) return fields.error();
  std::vector<CloudEvent> events;
  if (!batch) {
    auto event = parse_one(*fields, view(body));
    if (!event) return event.error();
    events.push_back(std::move(*event));
    return events;
  }
  const auto* list = fields->as<FieldValue::List>();
  if (list == nullptr) return Error{"is " + std::string(fields->kind()) + ", must be a list", "batch"};
  const auto texts = json_values(view(body));
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto event = parse_one((*list)[i], texts[i]);
    if (!event) return Error{event.error().what, "[" + std::to_string(i) + "] " + event.error().where};
    events.push_back(std::move(*event));
  }
  return events;
}

}  // namespace headrace::wire
