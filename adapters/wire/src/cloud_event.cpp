#include "cloud_event.hpp"

#include <algorithm>
#include <array>

#include "headrace/wire/codecs.hpp"
#include "headrace/wire/foreign_event_id.hpp"
#include "headrace/wire/schema.hpp"
#include "rfc3339.hpp"
#include "tree_builder.hpp"

namespace headrace::wire {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kTags = "headracetags";
constexpr std::string_view kHeaders = "headraceheaders";
/// Attributes that the envelope's own fields fill.
constexpr std::array<std::string_view, 13> kOwn{
    "specversion",     "id",         "source",        "type",        "subject", "time",  "data",
    "datacontenttype", "dataschema", "correlationid", "causationid", kTags,     kHeaders};
/// What a foreign event says of itself and an envelope has no place for; headers `ce-NAME`.
constexpr std::array<std::string_view, 6> kKept{"id",         "source",        "type",
                                                "dataschema", "correlationid", "causationid"};

bool is_own(std::string_view name) { return std::ranges::find(kOwn, name) != kOwn.end(); }

/// The NAME of a header `ce-NAME` that stands in for an attribute; empty for other headers.
std::string_view kept_name(std::string_view header) {
  if (!header.starts_with("ce-")) return {};
  header.remove_prefix(3);
  return std::ranges::find(kKept, header) == kKept.end() ? std::string_view() : header;
}

const std::string* kept(const Headers& headers, std::string_view name) {
  for (const auto& [header, value] : headers) {
    if (kept_name(header) == name) return &value;
  }
  return nullptr;
}

/// What the specification's String forbids beyond broken UTF-8: control characters.
std::string attribute_fault(std::string_view value, const CodecLimits& limits) {
  if (std::string fault = text_fault(value, limits); !fault.empty()) return fault;
  const bool controls = std::ranges::any_of(value, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
  return controls ? "holds a control character" : "";
}

std::string to_text(const FieldValue::List& list, const CodecLimits& limits) {
  const auto body = JsonCodec(limits).encode(list);
  return body ? std::string(reinterpret_cast<const char*>(body->data()), body->size()) : std::string();
}

Result<FieldValue::List> from_text(const std::string& text, const CodecLimits& limits) {
  auto fields = JsonCodec(limits).decode(std::as_bytes(std::span(text)));
  if (!fields) return fields.error();
  auto* list = fields->as<FieldValue::List>();
  if (list == nullptr) return Error{"is no JSON list", ""};
  return std::move(*list);
}

Error attribute_error(std::string_view name, std::string what) {
  return Error{std::move(what), "attribute " + std::string(name)};
}

/// Extensions, and the headers that can be none.
Status add_headers(CloudEvent& to, const Headers& headers, const CodecLimits& limits) {
  FieldValue::List rest;
  for (const auto& [name, value] : headers) {
    if (!kept_name(name).empty()) continue;
    const bool fits = is_attribute_name(name) && !is_own(name) && to.find(name) == nullptr &&
                      attribute_fault(value, limits).empty();
    if (fits) {
      to.set(name, value);
      continue;
    }
    FieldValue::List pair;
    for (const std::string* part : {&name, &value}) {
      if (std::string fault = text_fault(*part, limits); !fault.empty()) {
        return Error{"header '" + name + "' " + fault, "headers"};
      }
      pair.emplace_back(*part);
    }
    rest.emplace_back(std::move(pair));
  }
  if (!rest.empty()) to.set(kHeaders, to_text(rest, limits));
  return Nothing{};
}

Status read_tags(const std::string& text, std::vector<std::string>& tags, const CodecLimits& limits) {
  const auto list = from_text(text, limits);
  if (!list) return attribute_error(kTags, list.error().what);
  for (const FieldValue& tag : *list) {
    if (tag.as<std::string>() == nullptr) return attribute_error(kTags, "holds what is no text");
    tags.push_back(*tag.as<std::string>());
  }
  return Nothing{};
}

Status read_headers(const std::string& text, Headers& headers, const CodecLimits& limits) {
  const auto list = from_text(text, limits);
  if (!list) return attribute_error(kHeaders, list.error().what);
  for (const FieldValue& item : *list) {
    const auto* pair = item.as<FieldValue::List>();
    const bool fits = pair != nullptr && pair->size() == 2 && (*pair)[0].as<std::string>() != nullptr &&
                      (*pair)[1].as<std::string>() != nullptr;
    if (!fits) return attribute_error(kHeaders, "holds what is no name and value");
    if (!kept_name(*(*pair)[0].as<std::string>()).empty()) {
      return attribute_error(kHeaders, "holds what stands in for an attribute");
    }
    headers.emplace_back(*(*pair)[0].as<std::string>(), *(*pair)[1].as<std::string>());
  }
  return Nothing{};
}

Status check_attributes(const CloudEvent& event, const CodecLimits& limits) {
  for (std::size_t i = 0; i < event.attributes.size(); ++i) {
    const auto& [name, value] = event.attributes[i];
    if (!is_attribute_name(name))
      return attribute_error("'" + name + "'", "is no name of lower-case letters and digits");
    if (event.find(name) != &value) return attribute_error(name, "stands twice");
    if (std::string fault = attribute_fault(value, limits); !fault.empty()) return attribute_error(name, fault);
    // Of the specification's own attributes none may be empty.
    if (value.empty() && is_own(name)) return attribute_error(name, "is empty");
  }
  for (const std::string_view name : {"specversion", "id", "source", "type"}) {
    if (event.find(name) == nullptr) return attribute_error(name, "is missing");
  }
  if (*event.find("specversion") != "1.0") {
    return attribute_error("specversion", "is '" + *event.find("specversion") + "', must be 1.0");
  }
  return Nothing{};
}

/// An id of ours is read as one; a foreign text stays as a header.
EventId read_id(Headers& headers, std::string_view name, const std::string& text, EventId otherwise) {
  if (const auto id = EventId::parse(text); id && !id->is_none() && id->to_string() == text) return *id;
  headers.emplace_back("ce-" + std::string(name), text);
  return otherwise;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

bool is_attribute_name(std::string_view name) noexcept {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

Result<CloudEvent> to_cloud_event(const EncodedEvent& event, std::string_view source, const CodecLimits& limits) {
  const Envelope& envelope = event.envelope;
  if (Status fits = check_body_size(event.body.size(), limits); !fits) return fits.error();
  CloudEvent to;
  const auto kept_or = [&](std::string_view name, std::string otherwise) {
    const std::string* value = kept(envelope.headers, name);
    return value != nullptr ? *value : std::move(otherwise);
  };
  const auto set = [&](std::string_view name, std::string value) {
    if (!value.empty()) to.set(name, std::move(value));
  };
  const auto id_text = [](EventId id) { return id.is_none() ? std::string() : id.to_string(); };
  set("specversion", "1.0");
  set("id", kept_or("id", id_text(envelope.id)));
  set("source", kept_or("source", std::string(source)));
  const std::string type = kept_or("type", envelope.topic);
  set("type", type);
  set("subject", envelope.key);
  if (envelope.time != EventTime{}) {
    std::string time = to_rfc3339(envelope.time);
    if (!from_rfc3339(time)) return attribute_error("time", time + " is not between 1678 and 2261");
    set("time", std::move(time));
  }
  set("datacontenttype", event.content_type);
  set("dataschema", kept_or("dataschema", schema_id(type, envelope.version)));
  set("correlationid", kept_or("correlationid", id_text(envelope.correlation)));
  set("causationid", kept_or("causationid", id_text(envelope.causation)));
  if (!envelope.tags.empty()) {
    FieldValue::List tags(envelope.tags.begin(), envelope.tags.end());
    if (Status fits = check_fields(tags, limits); !fits) return Error{"a tag " + fits.error().what, "tags"};
    set(kTags, to_text(tags, limits));
  }
  if (Status added = add_headers(to, envelope.headers, limits); !added) return added.error();
  if (Status good = check_attributes(to, limits); !good) return good.error();
  to.data = event.body;
  return to;
}

Result<EncodedEvent> from_cloud_event(CloudEvent event, std::string_view own_source, const CodecLimits& limits) {
  if (Status good = check_attributes(event, limits); !good) return good.error();
  EncodedEvent to;
  Envelope& envelope = to.envelope;
  Headers& headers = envelope.headers;
  const std::string& source = *event.find("source");
  const std::string& type = *event.find("type");
  const std::string& id = *event.find("id");
  envelope.id = read_id(headers, "id", id, {});
  if (envelope.id.is_none()) envelope.id = foreign_event_id(source, id);
  if (source != own_source) headers.emplace_back("ce-source", source);
  envelope.topic = type;
  for (auto& [name, value] : event.attributes) {
    if (name == "subject") {
      envelope.key = value;
    } else if (name == "time") {
      const auto time = from_rfc3339(value);
      if (!time) return attribute_error("time", "'" + value + "' is no RFC 3339 time of 1678 to 2261");
      envelope.time = *time;
    } else if (name == "datacontenttype") {
      to.content_type = value;
    } else if (name == "dataschema") {
      const auto version = schema_version(value, type);
      if (version) {
        envelope.version = *version;
      } else {
        headers.emplace_back("ce-dataschema", value);
      }
    } else if (name == "correlationid") {
      envelope.correlation = read_id(headers, name, value, {});
    } else if (name == "causationid") {
      envelope.causation = read_id(headers, name, value, {});
    } else if (name == kTags) {
      if (Status read = read_tags(value, envelope.tags, limits); !read) return read.error();
    } else if (name == kHeaders) {
      if (Status read = read_headers(value, headers, limits); !read) return read.error();
    } else if (!is_own(name)) {
      headers.emplace_back(name, value);
    }
  }
  to.body = std::move(event.data);
  return to;
}

}  // namespace headrace::wire
