#include "text_template.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <utility>

#include "headrace/route/topic_name.hpp"
#include "json_text.hpp"

namespace headrace::program {
namespace {

/// Bytes that may stand anywhere in a level: nearly all there are.
constexpr auto kPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned c = 0x21; c < 0x7F; ++c)
    plain[c] = std::string_view("/.+#*$").find(static_cast<char>(c)) == std::string_view::npos;
  return plain;
}();

std::size_t plain_run(std::string_view text) noexcept {
  std::size_t length = 0;
  while (length < text.size() && kPlain[static_cast<unsigned char>(text[length])]) ++length;
  return length;
}

/// Bytes of the character that the text begins with when it may stand inside a level, else 0.
std::size_t legal_in_level(std::string_view text, char separator) noexcept {
  const char c = text[0];
  const bool blank = static_cast<unsigned char>(c) <= 0x20 || c == 0x7F;
  // Where '/' separates, '.' is an ordinary character; '/' always separates.
  const bool special = c == '/' || c == '+' || c == '#' || c == '*' || (c == '.' && separator == '.');
  return blank || special ? 0 : utf8_sequence(text);
}

}  // namespace

Parsed<TextTemplate> TextTemplate::parse(std::string_view text, FieldTable& mentioned) {
  using Result = Parsed<TextTemplate>;
  TextTemplate parsed;
  parsed.source_ = text;
  std::string literal;
  const auto end_literal = [&] {
    if (!literal.empty()) parsed.parts_.push_back({Kind::literal, std::exchange(literal, {}), {}});
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool doubled = i + 1 < text.size() && text[i + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      literal.push_back(c);
      ++i;
    } else if (c == '}') {
      return Result::failed(i, "'}' without '{' before it; write '}}' for a brace");
    } else if (c == '{') {
      const std::size_t close = text.find('}', i);
      if (close == std::string_view::npos) return Result::failed(i, "'{' is never closed; write '{{' for a brace");
      const std::string_view name = text.substr(i + 1, close - i - 1);
      if (name.empty()) return Result::failed(i, "'{}' names no field");
      end_literal();
      if (name == "$topic") {
        parsed.parts_.push_back({Kind::topic, {}, {}});
      } else if (name == "$line") {
        parsed.parts_.push_back({Kind::line, {}, {}});
      } else if (name.starts_with('$')) {
        return Result::failed(i + 1, fmt::format("'{}' is not known; there are $topic and $line", name));
      } else {
        parsed.parts_.push_back({Kind::field, {}, mentioned.intern(name)});
      }
      i = close;
    } else {
      literal.push_back(c);
    }
  }
  end_literal();
  return {std::move(parsed), 0, {}};
}

void TextTemplate::render(const Record& record, std::string_view topic, std::string& out) const {
  for (const Part& part : parts_) {
    switch (part.kind) {
      case Kind::literal:
        out.append(part.literal);
        break;
      case Kind::field:
        out.append(record.find(part.field).text);
        break;
      case Kind::topic:
        out.append(topic);
        break;
      case Kind::line:
        fmt::format_to(std::back_inserter(out), "{}", record.line());
        break;
    }
  }
}

Parsed<TopicTemplate> TopicTemplate::parse(std::string_view text, FieldTable& mentioned) {
  using Result = Parsed<TopicTemplate>;
  if (text.empty()) return Result::failed(0, "a topic cannot be empty");
  auto parsed = TextTemplate::parse(text, mentioned);
  if (!parsed) return Result::failed(parsed.column, parsed.problem);
  const char separator = level_separator(text);
  bool level_empty = true;
  for (const TextTemplate::Part& part : parsed.value->parts_) {
    if (part.kind == TextTemplate::Kind::topic || part.kind == TextTemplate::Kind::line) {
      return Result::failed(text.find("{$"), "a topic is made of text and fields only");
    }
    if (part.kind == TextTemplate::Kind::field) level_empty = false;
    for (std::string_view rest = part.literal; !rest.empty();) {
      const bool ends_level = rest[0] == separator;
      if (ends_level && level_empty) return Result::failed(0, "a topic cannot have an empty level");
      const std::size_t length = ends_level ? 1 : legal_in_level(rest, separator);
      if (length == 0)
        return Result::failed(text.find(rest[0]), fmt::format("'{}' cannot stand in a topic", rest[0]));
      level_empty = ends_level;
      rest.remove_prefix(length);
    }
  }
  if (level_empty) return Result::failed(text.size() - 1, "a topic cannot have an empty level");
  TopicTemplate topic;
  topic.text_ = std::move(*parsed.value);
  topic.separator_ = separator;
  return {std::move(topic), 0, {}};
}

std::string TopicTemplate::render(const Record& record, std::string& out) const {
  out.clear();
  for (const TextTemplate::Part& part : text_.parts_) {
    if (part.kind == TextTemplate::Kind::literal) {
      out.append(part.literal);
      continue;
    }
    const std::string_view value = record.find(part.field).text;
    const auto name = [&] {
      const std::uint32_t column = record.schema().column(part.field);
      return column == Schema::kNoColumn ? std::string_view{} : std::string_view(record.schema().names()[column]);
    };
    if (value.empty()) {
      return name().empty() ? fmt::format("a field of the topic '{}' is missing", source())
                            : fmt::format("topic field '{}' is empty", name());
    }
    std::string_view rest = value;
    while (true) {
      const std::size_t plain = plain_run(rest);
      out.append(rest.substr(0, plain));
      rest.remove_prefix(plain);
      if (rest.empty()) break;
      const bool leading_dollar = rest[0] == '$' && out.empty();
      const std::size_t length = leading_dollar ? 0 : legal_in_level(rest, separator_);
      if (length == 0 && on_illegal == OnIllegal::reject) {
        return fmt::format("topic field '{}' holds a character that cannot stand in a topic, at byte {}", name(),
                           value.size() - rest.size() + 1);
      }
      out.append(length == 0 ? "_" : rest.substr(0, length));
      rest.remove_prefix(length == 0 ? 1 : length);
    }
  }
  return out.size() > kTopicBytesMax ? fmt::format("the topic is longer than {} bytes", kTopicBytesMax)
                                     : std::string{};
}

std::vector<FieldId> TopicTemplate::fields() const {
  std::vector<FieldId> ids;
  for (const TextTemplate::Part& part : text_.parts_) {
    if (part.kind == TextTemplate::Kind::field) ids.push_back(part.field);
  }
  return ids;
}

}  // namespace headrace::program
