#include "topic_text.hpp"

#include <algorithm>

#include "headrace/route/topic_name.hpp"

namespace headrace::detail {
namespace {

constexpr std::size_t kWhole = std::string_view::npos;

/// How many bytes a sequence has by its first; 0 for a byte that starts none.
std::size_t sequence_bytes(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

/// The second byte is what rules out overlong forms, surrogates and what lies above U+10FFFF.
bool second_byte_fits(unsigned char first, unsigned char second) {
  switch (first) {
    case 0xe0:
      return second >= 0xa0 && second <= 0xbf;
    case 0xed:
      return second >= 0x80 && second <= 0x9f;
    case 0xf0:
      return second >= 0x90 && second <= 0xbf;
    case 0xf4:
      return second >= 0x80 && second <= 0x8f;
    default:
      return second >= 0x80 && second <= 0xbf;
  }
}

/// The offset of the first sequence that is not UTF-8, or kWhole.
std::size_t malformed_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = sequence_bytes(byte(at));
    if (bytes == 0 || at + bytes > text.size()) return at;
    if (bytes > 1 && !second_byte_fits(byte(at), byte(at + 1))) return at;
    for (std::size_t i = 2; i < bytes; ++i) {
      if ((byte(at + i) & 0xc0) != 0x80) return at;
    }
    at += bytes;
  }
  return kWhole;
}

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
