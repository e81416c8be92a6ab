#include "headrace/wire/schema.hpp"

#include <charconv>

#include "json_text.hpp"
#include "percent.hpp"

namespace headrace::wire {
namespace {

constexpr std::string_view kPrefix = "urn:headrace:schema:";

bool stands_for_itself(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~/").find(c) != std::string_view::npos;
}

}  // namespace

std::string schema_id(std::string_view topic, std::uint32_t version) {
  return std::string(kPrefix) + percent_encode(topic, stands_for_itself) + ":" + std::to_string(version);
}

std::optional<std::uint32_t> schema_version(std::string_view id, std::string_view topic) {
  const std::string prefix = std::string(kPrefix) + percent_encode(topic, stands_for_itself) + ":";
  if (!id.starts_with(prefix)) return std::nullopt;
  const std::string_view digits = id.substr(prefix.size());
  std::uint32_t version = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), version);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.front() == '0') return std::nullopt;
  return version;
}

namespace schema_detail {

FieldValue type(std::string_view name) { return with({}, "type", name); }

FieldValue with(FieldValue schema, std::string_view name, FieldValue value) {
  schema.set(name, std::move(value));
  return schema;
}

FieldValue any_of(FieldValue first, FieldValue second) {
  FieldValue::List either;
  either.push_back(std::move(first));
  either.push_back(std::move(second));
  return with({}, "anyOf", std::move(either));
}

/// A JSON pointer (RFC 6901) in a URI's fragment.
std::string reference(std::string_view topic) {
  std::string escaped;
  for (const char c : topic) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  return "#/$defs/" + percent_encode(escaped, stands_for_itself);
}

std::string finish(std::string id, std::string_view root, FieldValue defs) {
  FieldValue schema = with({}, "$schema", "https://json-schema.org/draft/2020-12/schema");
  schema.set("$id", std::move(id));
  schema.set("$ref", reference(root));
  schema.set("$defs", std::move(defs));
  std::string text;
  std::string where;
  (void)append_json(text, schema, where);  // no number here is infinite
  return text;
}

}  // namespace schema_detail
}  // namespace headrace::wire
