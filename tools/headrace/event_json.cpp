#include "event_json.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "json_text.hpp"
#include "timestamp.hpp"

namespace headrace::program {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string_view view_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::byte> bytes_of(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  std::transform(text.begin(), text.end(), bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool is_json(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  return content_type == "application/json" || content_type.ends_with("+json");
}

std::string to_base64(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      word = word << 8 | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += at + i <= bytes.size() ? kBase64[word >> (18 - 6 * i) & 0x3f] : '=';
    }
  }
  return text;
}

std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  while (text.ends_with('=')) text.remove_suffix(1);
  std::vector<std::byte> bytes;
  std::uint32_t word = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const auto value = kBase64.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    word = word << 6 | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<std::byte>(word >> bits & 0xff));
    }
  }
  return bytes;
}

void add_body(Json& line, const EncodedEvent& event) {
  const std::string_view body = view_of(event.body);
  if (is_json(event.content_type)) {
    auto value = Json::parse(body, nullptr, false);
    if (!value.is_discarded()) {
      line["body"] = std::move(value);
      return;
    }
  }
  if (is_utf8(body) && !is_json(event.content_type)) {
    line["body"] = body;
  } else {
    line["body_base64"] = to_base64(body);
  }
}

// Readers of single members: the error says which one is wrong.
Error mistake(std::string_view name, std::string_view expected) {
  return {fmt::format("\"{}\": expected {}", name, expected), {}};
}

Status read_text(std::string_view name, const Json& value, std::string& text) {
  if (!value.is_string()) return mistake(name, "a string");
  text = value.get<std::string>();
  return Nothing{};
}

Status read_id(std::string_view name, const Json& value, EventId& id) {
  const auto parsed = value.is_string() ? EventId::parse(value.get_ref<const std::string&>()) : std::nullopt;
  if (!parsed) return mistake(name, "a UUID");
  id = *parsed;
  return Nothing{};
}

Status read_tags(const Json& value, std::vector<std::string>& tags) {
  if (!value.is_array()) return mistake("tags", "an array of strings");
  for (const Json& tag : value) {
    if (!tag.is_string()) return mistake("tags", "an array of strings");
    tags.push_back(tag.get<std::string>());
  }
  return Nothing{};
}

Status read_headers(const Json& value, std::vector<std::pair<std::string, std::string>>& headers) {
  constexpr std::string_view kExpected = "an array of pairs of strings";
  if (!value.is_array()) return mistake("headers", kExpected);
  for (const Json& pair : value) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) {
      return mistake("headers", kExpected);
    }
    headers.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
  }
  return Nothing{};
}

Status read_time(const Json& value, EventTime& time) {
  static const TimeFormat format = *TimeFormat::parse("iso8601").value;
  const auto read = value.is_string() ? format.read(value.get_ref<const std::string&>()) : std::nullopt;
  if (!read) return mistake("time", "a time such as 2026-11-25T23:51:15Z");
  time = *read;
  return Nothing{};
}

Status read_version(const Json& value, std::uint32_t& version) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > UINT32_MAX) {
    return mistake("topic_version", "a number from 0 to 4294967295");
  }
  version = value.get<std::uint32_t>();
  return Nothing{};
}

Status read_base64(const Json& value, std::vector<std::byte>& body) {
  auto bytes = value.is_string() ? from_base64(value.get_ref<const std::string&>()) : std::nullopt;
  if (!bytes) return mistake("body_base64", "Base64 text");
  body = std::move(*bytes);
  return Nothing{};
}

Status read_member(const std::string& name, const Json& value, EventLine& line) {
  Envelope& envelope = line.event.envelope;
  if (name == "position" || name == "version" || name == "stored" || name == "body") return Nothing{};
  if (name == "stream") return read_text(name, value, line.stream);
  if (name == "id") return read_id(name, value, envelope.id);
  if (name == "topic") return read_text(name, value, envelope.topic);
  if (name == "topic_version") return read_version(value, envelope.version);
  if (name == "time") return read_time(value, envelope.time);
  if (name == "key") return read_text(name, value, envelope.key);
  if (name == "correlation") return read_id(name, value, envelope.correlation);
  if (name == "causation") return read_id(name, value, envelope.causation);
  if (name == "tags") return read_tags(value, envelope.tags);
  if (name == "headers") return read_headers(value, envelope.headers);
  if (name == "content_type") return read_text(name, value, line.event.content_type);
  if (name == "body_base64") return read_base64(value, line.event.body);
  return Error{fmt::format("\"{}\": unknown", name), {}};
}

}  // namespace

std::string time_text(EventTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto fraction = (time - seconds).count();
  std::string text =
      fmt::format("{:%Y-%m-%dT%H:%M:%S}", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)));
  if (fraction != 0) {
    std::string digits = fmt::format(".{:09}", fraction);
    digits.erase(digits.find_last_not_of('0') + 1);
    text += digits;
  }
  return text + "Z";
}

std::string body_text(const EncodedEvent& event) {
  const std::string_view body = view_of(event.body);
  if (is_utf8(body)) return std::string{body};
  return fmt::format("({} bytes)", body.size());
}

std::string to_json_line(const StoredEvent& stored) {
  const Envelope& envelope = stored.event.envelope;
  Json line = {{"position", stored.position},      {"stream", stored.stream},
               {"version", stored.version},        {"stored", time_text(stored.stored_at)},
               {"id", envelope.id.to_string()},    {"topic", envelope.topic},
               {"topic_version", envelope.version}};
  if (envelope.time != EventTime{}) line["time"] = time_text(envelope.time);
  if (!envelope.key.empty()) line["key"] = envelope.key;
  if (envelope.correlation) line["correlation"] = envelope.correlation.to_string();
  if (envelope.causation) line["causation"] = envelope.causation.to_string();
  if (!envelope.tags.empty()) line["tags"] = envelope.tags;
  for (const auto& [name, value] : envelope.headers) line["headers"].push_back(Json::array({name, value}));
  if (!stored.event.content_type.empty()) line["content_type"] = stored.event.content_type;
  add_body(line, stored.event);
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<EventLine> event_from_json(std::string_view text) {
  const auto json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return Error{"not a JSON object", {}};
  EventLine line;
  for (const auto& [name, value] : json.items()) {
    if (auto read = read_member(name, value, line); !read) return read.error();
  }
  if (const auto body = json.find("body"); body != json.end()) {
    if (line.event.content_type.empty() && !body->is_string()) line.event.content_type = "application/json";
    const bool as_text = body->is_string() && !is_json(line.event.content_type);
    line.event.body = bytes_of(as_text ? body->get<std::string>() : body->dump());
  }
  return line;
}

}  // namespace headrace::program
