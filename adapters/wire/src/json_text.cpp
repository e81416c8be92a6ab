#include "json_text.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "headrace/event/base64.hpp"

namespace headrace::wire {
namespace {

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

bool inside(std::string& where, std::string_view step) {
  where = std::string(step) + (where.empty() || where.front() == '[' ? "" : ".") + where;
  return false;
}

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  out += '"';
}

bool append_json(std::string& out, const FieldValue& fields, std::string& where) {
  if (fields.is_nothing()) {
    out += "null";
  } else if (const auto* flag = fields.as<bool>()) {
    out += *flag ? "true" : "false";
  } else if (const auto* integer = fields.as<std::int64_t>()) {
    append_number(out, *integer);
  } else if (const auto* large = fields.as<std::uint64_t>()) {
    append_number(out, *large);
  } else if (const auto* number = fields.as<double>()) {
    if (!std::isfinite(*number)) return false;
    append_number(out, *number);
    // A number stays one for readers that tell 1 from 1.0.
    if (out.find_first_of(".e", out.find_last_of(",:[") + 1) == std::string::npos) out += ".0";
  } else if (const auto* text = fields.as<std::string>()) {
    append_json_string(out, *text);
  } else if (const auto* bytes = fields.as<FieldValue::Bytes>()) {
    append_json_string(out, to_base64(*bytes));
  } else if (const auto* list = fields.as<FieldValue::List>()) {
    out += '[';
    for (std::size_t i = 0; i < list->size(); ++i) {
      if (i > 0) out += ',';
      if (!append_json(out, (*list)[i], where)) return inside(where, "[" + std::to_string(i) + "]");
    }
    out += ']';
  } else {
    out += '{';
    for (const NamedField& field : *fields.as<FieldValue::Record>()) {
      if (out.back() != '{') out += ',';
      append_json_string(out, field.name);
      out += ':';
      if (!append_json(out, field.value, where)) return inside(where, field.name);
    }
    out += '}';
  }
  return true;
}

std::vector<std::string_view> json_values(std::string_view container) {
  container = trimmed(container);
  std::vector<std::string_view> values;
  const bool object = container.front() == '{';
  std::size_t depth = 0;
  std::size_t begin = 1;
  bool in_name = object;
  for (std::size_t at = 0; at < container.size(); ++at) {
    const char c = container[at];
    if (c == '"') {
      for (++at; at < container.size() && container[at] != '"'; ++at) at += container[at] == '\\' ? 1 : 0;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (depth == 1 && in_name && c == ':') {
      in_name = false;
      begin = at + 1;
    } else if (depth == 1 && (c == ',' || c == '}' || c == ']')) {
      const std::string_view value = trimmed(container.substr(begin, at - begin));
      if (!value.empty() && !in_name) values.push_back(value);
      in_name = object;
      begin = at + 1;
      if (c != ',') --depth;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return values;
}

}  // namespace headrace::wire
