#include "text_list.hpp"

#include <cstdint>
#include <optional>

namespace headrace::sqlite {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

std::optional<char> escaped_byte(std::string_view digits) {
  unsigned value = 0;
  for (const char c : digits) {
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value << 4 | static_cast<unsigned>(digit);
  }
  if (value > 0xff) return std::nullopt;  // only control bytes are written so
  return static_cast<char>(value);
}

/// Reads one string, the quote before it being gone; false at a fault.
bool read_text(std::string_view& json, std::string& text) {
  text.clear();
  for (;;) {
    const auto plain = json.find_first_of("\"\\");
    if (plain == std::string_view::npos) return false;
    text.append(json.substr(0, plain));
    const bool end = json[plain] == '"';
    json.remove_prefix(plain + 1);
    if (end) return true;
    if (json.empty()) return false;
    if (json.front() == 'u') {
      const auto byte = json.size() < 5 ? std::nullopt : escaped_byte(json.substr(1, 4));
      if (!byte) return false;
      text += *byte;
      json.remove_prefix(5);
    } else {
      text += json.front();  // only quotes and backslashes are written so
      json.remove_prefix(1);
    }
  }
}

template <class Take>
bool read_list(std::string_view json, Take take) {
  if (json.empty()) return true;
  if (!json.starts_with('[')) return false;
  json.remove_prefix(1);
  std::string text;
  for (char next = ','; next == ',';) {
    if (!json.starts_with('"')) return false;
    json.remove_prefix(1);
    if (!read_text(json, text) || json.empty()) return false;
    take(text);
    next = json.front();
    if (next != ',' && next != ']') return false;
    json.remove_prefix(1);
  }
  return json.empty();
}

}  // namespace

void append_text(std::string& json, std::string_view text) {
  json += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += "\\u00";
      json += kDigits[static_cast<unsigned char>(c) >> 4];
      json += kDigits[static_cast<unsigned char>(c) & 0xf];
    } else {
      json += c;
    }
  }
  json += '"';
}

std::string to_json(const std::vector<std::string>& texts) {
  std::string json;
  for (const std::string& text : texts) {
    json += json.empty() ? '[' : ',';
    append_text(json, text);
  }
  if (!json.empty()) json += ']';
  return json;
}

std::string to_json(const std::vector<std::pair<std::string, std::string>>& headers) {
  std::string json;
  for (const auto& [name, value] : headers) {
    json += json.empty() ? '[' : ',';
    append_text(json, name);
    json += ',';
    append_text(json, value);
  }
  if (!json.empty()) json += ']';
  return json;
}

bool from_json(std::string_view json, std::vector<std::string>& texts) {
  texts.clear();
  return read_list(json, [&](const std::string& text) { texts.push_back(text); });
}

bool from_json(std::string_view json, std::vector<std::pair<std::string, std::string>>& headers) {
  headers.clear();
  bool is_name = true;
  const bool whole = read_list(json, [&](const std::string& text) {
    if (is_name) {
      headers.emplace_back(text, std::string{});
    } else {
      headers.back().second = text;
    }
    is_name = !is_name;
  });
  return whole && is_name;
}

}  // namespace headrace::sqlite
