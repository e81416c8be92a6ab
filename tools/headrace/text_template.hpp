#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parsed.hpp"
#include "record.hpp"

namespace headrace::program {

/// Text with fields of the record in it: `M{mag} at {place}`. `{{` and `}}` stand for braces;
/// `{$topic}` and `{$line}` are the event's topic and its line of the input.
class TextTemplate {
 public:
  [[nodiscard]] static Parsed<TextTemplate> parse(std::string_view text, FieldTable& mentioned);

  void render(const Record& record, std::string_view topic, std::string& out) const;
  [[nodiscard]] const std::string& source() const noexcept { return source_; }

 private:
  friend class TopicTemplate;
  enum class Kind { literal, field, topic, line };
  struct Part {
    Kind kind;
    std::string literal;
    FieldId field{};
  };
  std::string source_;
  std::vector<Part> parts_;
};

/// A topic with fields in it: `usgs/{net}/quake`.
/// A value may not add levels or look like a filter: `/ + # *`, blanks, control characters, malformed UTF-8, `.`
/// where it separates the topic's levels, and `$` at the topic's start become `_`, or the record is rejected, as
/// on_illegal says. A missing or empty value always rejects it.
class TopicTemplate {
 public:
  enum class OnIllegal { replace, reject };

  [[nodiscard]] static Parsed<TopicTemplate> parse(std::string_view text, FieldTable& mentioned);

  /// Writes the topic over out. Returns the reason when the record has none, else an empty string.
  [[nodiscard]] std::string render(const Record& record, std::string& out) const;
  [[nodiscard]] const std::string& source() const noexcept { return text_.source_; }
  /// The fields that a record must have.
  [[nodiscard]] std::vector<FieldId> fields() const;

  OnIllegal on_illegal = OnIllegal::replace;

 private:
  TextTemplate text_;
  char separator_ = '/';
};

}  // namespace headrace::program
