#pragma once

#include <charconv>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/port/codec.hpp"

namespace headrace::test {

/// Flat events as lines of text: `name=12` for an integer, `name:text` for a text. For tests that need some codec
/// and no library.
class LineCodec final : public Codec {
 public:
  std::string_view content_type() const noexcept override { return "text/x-lines"; }
  Result<std::vector<std::byte>> encode(const FieldValue& fields) const override {
    std::string text;
    for (const auto& field : *fields.as<FieldValue::Record>()) {
      if (const auto number = field.value.integer<std::int64_t>()) {
        text += field.name + "=" + std::to_string(*number) + "\n";
      } else if (const auto* words = field.value.as<std::string>()) {
        text += field.name + ":" + *words + "\n";
      } else {
        return Error{"lines hold integers and texts", field.name};
      }
    }
    const auto bytes = std::as_bytes(std::span(text));
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }
  Result<FieldValue> decode(std::span<const std::byte> body) const override {
    std::string_view text(reinterpret_cast<const char*>(body.data()), body.size());
    FieldValue fields{FieldValue::Record{}};
    while (!text.empty()) {
      const std::string_view line = text.substr(0, text.find('\n'));
      const std::size_t sign = line.find_first_of("=:");
      if (line.size() == text.size() || sign == line.npos) return Error{"no line", std::string(line)};
      const std::string_view value = line.substr(sign + 1);
      std::int64_t number = 0;
      if (line[sign] == ':') {
        fields.set(line.substr(0, sign), value);
      } else if (std::from_chars(value.data(), value.data() + value.size(), number).ec == std::errc{}) {
        fields.set(line.substr(0, sign), number);
      } else {
        return Error{"no number", std::string(line)};
      }
      text.remove_prefix(line.size() + 1);
    }
    return fields;
  }
};

}  // namespace headrace::test
