#include "topic_text.hpp"

#include <algorithm>

#include "headrace/base/utf8.hpp"
#include "headrace/route/topic_name.hpp"

namespace headrace::detail {
namespace {

constexpr std::size_t kWhole = std::string_view::npos;

/// The offset at which a level without a byte stands, or kWhole.
std::size_t empty_level(std::string_view text) {
  const char separator = level_separator(text);
  if (text.front() == separator) return 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == separator && text[i - 1] == separator) return i;
  }
  return text.back() == separator ? text.size() : kWhole;
}

}  // namespace

Status check_topic_text(std::string_view subject, std::string_view text) {
  if (text.empty()) return text_error(subject, 0, "is empty");
  if (text.size() > kTopicBytesMax) {
    return text_error(
        subject, kTopicBytesMax,
        "has " + std::to_string(text.size()) + " bytes, " + std::to_string(kTopicBytesMax) + " is the most");
  }
  if (const auto at = text.find('\0'); at != kWhole) return text_error(subject, at, "NUL is not allowed");
  if (const auto at = malformed_utf8(text); at != kWhole) return text_error(subject, at, "is not UTF-8");
  if (const auto at = empty_level(text); at != kWhole) return text_error(subject, at, "a level is empty");
  return Nothing{};
}

}  // namespace headrace::detail
