#include "headrace/base/utf8.hpp"

namespace headrace {
namespace {

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

}  // namespace

std::size_t malformed_utf8(std::string_view text) noexcept {
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
  return std::string_view::npos;
}

}  // namespace headrace
