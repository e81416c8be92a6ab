#include "headrace/wire/cloud_events.hpp"

#include <algorithm>
#include <cstring>

#include "cloud_event.hpp"
#include "headrace/port/codec.hpp"
#include "headrace/wire/foreign_event_id.hpp"
#include "percent.hpp"
#include "tree_builder.hpp"

namespace headrace::wire {
namespace {

constexpr std::string_view kStructured = "application/cloudevents+json";
constexpr std::string_view kBatch = "application/cloudevents-batch+json";

bool is_plain_header_byte(char c) { return c > ' ' && c < 0x7f && c != '"' && c != '%'; }

std::string header_name(CloudEventsBinding binding, const std::string& attribute) {
  switch (binding) {
    case CloudEventsBinding::http:
      return "ce-" + attribute;
    case CloudEventsBinding::amqp:
      return "cloudEvents_" + attribute;
    default:
      return attribute;
  }
}

/// The attribute that a header carries; empty for other headers.
std::string attribute_name(CloudEventsBinding binding, const std::string& header) {
  if (binding == CloudEventsBinding::http) {
    const std::string name = lower(header);
    return name.starts_with("ce-") ? name.substr(3) : std::string();
  }
  if (binding == CloudEventsBinding::amqp) {
    return header.starts_with("cloudEvents_") || header.starts_with("cloudEvents:") ? header.substr(12) : "";
  }
  return is_attribute_name(header) ? header : std::string();
}

enum class Form { none, binary, structured, batch, unknown_format };

Form form_of(const Message& message, CloudEventsBinding binding) {
  const std::string type = lower(media_type(message.content_type));
  if (type == kBatch) return Form::batch;
  if (type == kStructured) return Form::structured;
  if (type.starts_with("application/cloudevents")) return Form::unknown_format;
  if (binding == CloudEventsBinding::mqtt311) {
    // Nothing says what the body is but the body itself.
    const auto first = std::ranges::find_if(
        message.body, [](std::byte b) { return std::strchr(" \t\r\n", static_cast<char>(b)) == nullptr; });
    if (first == message.body.end()) return Form::none;
    if (*first == std::byte{'['}) return Form::batch;
    return *first == std::byte{'{'} ? Form::structured : Form::none;
  }
  for (const auto& header : message.headers) {
    if (attribute_name(binding, header.first) == "specversion") return Form::binary;
  }
  return Form::none;
}

Result<CloudEvent> read_binary(const Message& message, CloudEventsBinding binding,
                               std::vector<std::pair<std::string, std::string>>& others) {
  CloudEvent event;
  for (const auto& [header, value] : message.headers) {
    std::string name = attribute_name(binding, header);
    if (name.empty()) {
      others.emplace_back(header, value);
      continue;
    }
    auto plain = binding == CloudEventsBinding::http ? percent_decode(value) : std::optional(value);
    if (!plain) return Error{"has a '%' without two hex digits", "header " + header};
    event.set(name, std::move(*plain));
  }
  if (event.find("datacontenttype") != nullptr)
    return Error{"belongs into the content type", "attribute datacontenttype"};
  if (!message.content_type.empty()) event.set("datacontenttype", message.content_type);
  event.data = message.body;
  return event;
}

}  // namespace

CloudEvents::CloudEvents(CloudEventsOptions options) : options_(std::move(options)) {
  const bool bad = std::ranges::any_of(options_.source, [](char c) { return c <= ' ' || c == 0x7f; });
  if (options_.source.empty() || bad) throw ConfigError("CloudEvents: the source must be a URI reference");
  if (options_.binding == CloudEventsBinding::mqtt311 && options_.mode == CloudEventsMode::binary) {
    throw ConfigError("CloudEvents: MQTT 3.1.1 has no place for attributes; use structured mode");
  }
}

Result<Message> CloudEvents::write(const EncodedEvent& event) const {
  auto made = to_cloud_event(event, options_.source, options_.limits);
  if (!made) return made.error();
  Message message;
  message.topic = event.envelope.topic;
  message.key = event.envelope.key;
  if (options_.mode == CloudEventsMode::structured) {
    std::string out;
    append_structured(out, *made, options_.limits);
    if (Status fits = check_body_size(out.size(), options_.limits); !fits) return fits.error();
    message.content_type = std::string(kStructured) + "; charset=utf-8";
    message.body = bytes_of(out);
    return message;
  }
  message.content_type = event.content_type;
  for (const auto& [name, value] : made->attributes) {
    if (name == "datacontenttype") continue;
    const bool encode = options_.binding == CloudEventsBinding::http;
    message.headers.emplace_back(header_name(options_.binding, name),
                                 encode ? percent_encode(value, is_plain_header_byte) : value);
  }
  message.body = std::move(made->data);
  return message;
}

Result<Message> CloudEvents::write_batch(std::span<const EncodedEvent> events) const {
  std::string out = "[";
  for (std::size_t i = 0; i < events.size(); ++i) {
    auto made = to_cloud_event(events[i], options_.source, options_.limits);
    if (!made) return Error{made.error().what, "[" + std::to_string(i) + "] " + made.error().where};
    if (i > 0) out += ',';
    append_structured(out, *made, options_.limits);
    if (Status fits = check_body_size(out.size() + 1, options_.limits); !fits) return fits.error();
  }
  out += ']';
  Message message;
  message.content_type = std::string(kBatch) + "; charset=utf-8";
  message.body = bytes_of(out);
  return message;
}

bool CloudEvents::is_cloud_event(const Message& message) const {
  return form_of(message, options_.binding) != Form::none;
}

Result<std::vector<EncodedEvent>> CloudEvents::read(const Message& message) const {
  if (Status fits = check_body_size(message.body.size(), options_.limits); !fits) return fits.error();
  const Form form = form_of(message, options_.binding);
  std::vector<std::pair<std::string, std::string>> others;
  Result<std::vector<CloudEvent>> read = std::vector<CloudEvent>();
  if (form == Form::none) return Error{"is no CloudEvent", "message"};
  if (form == Form::unknown_format)
    return Error{"'" + message.content_type + "' is not known, JSON is", "content type"};
  if (form == Form::binary) {
    auto one = read_binary(message, options_.binding, others);
    if (!one) return one.error();
    read->push_back(std::move(*one));
  } else {
    read = parse_structured(message.body, form == Form::batch, options_.limits);
    if (!read) return read.error();
    others = message.headers;
  }
  std::vector<EncodedEvent> events;
  for (CloudEvent& one : *read) {
    auto event = from_cloud_event(std::move(one), options_.source, options_.limits);
    if (!event) return event.error();
    auto& headers = event->envelope.headers;
    headers.insert(headers.end(), others.begin(), others.end());
    events.push_back(std::move(*event));
  }
  return events;
}

Result<EncodedEvent> CloudEvents::read_one(const Message& message) const {
  if (form_of(message, options_.binding) == Form::batch)
    return Error{"is a batch, one event is wanted", "message"};
  Result<std::vector<EncodedEvent>> events = read(message);
  if (!events) return events.error();
  return std::move(events->front());
}

EncodedEvent raw_event(const Message& message, std::string_view source) {
  EncodedEvent event;
  const auto named = std::ranges::find(message.headers, kForeignIdHeader,
                                       [](const auto& header) { return std::string_view(header.first); });
  if (named != message.headers.end()) event.envelope.id = foreign_event_id(source, named->second);
  if (event.envelope.id.is_none()) event.envelope.id = EventId::make();
  event.envelope.topic = message.topic;
  event.envelope.key = message.key;
  event.envelope.headers = message.headers;
  event.content_type = message.content_type;
  event.body = message.body;
  return event;
}

Message raw_message(const EncodedEvent& event) {
  return {event.envelope.topic, event.envelope.key, event.content_type, event.envelope.headers, event.body};
}

}  // namespace headrace::wire
