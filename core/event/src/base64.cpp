#include "headrace/event/base64.hpp"

#include <array>
#include <cstdint>

namespace headrace {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xff;

constexpr std::array<std::uint8_t, 256> kBase64Digits = [] {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return digits;
}();

}  // namespace

std::string to_base64(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < left; ++i) bits |= std::to_integer<std::uint32_t>(bytes[at + i]) << (16 - 8 * i);
    for (std::size_t i = 0; i < 4; ++i) text += i <= left ? kAlphabet[bits >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

std::optional<std::vector<std::byte>> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t at = 0; at < text.size(); at += 4) {
    const std::string_view group = text.substr(at, 4);
    const std::size_t digits = at + 4 < text.size() ? 4 : std::min(group.find('='), std::size_t{4});
    if (digits < 2 || group.substr(digits) != std::string_view("==").substr(0, 4 - digits)) return std::nullopt;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      const std::uint8_t digit = kBase64Digits[static_cast<unsigned char>(group[i])];
      if (digit == kNoDigit) return std::nullopt;
      bits |= std::uint32_t{digit} << (18 - 6 * i);
    }
    if (digits < 4 && (bits & ((1U << (24 - 8 * (digits - 1))) - 1)) != 0) return std::nullopt;
    for (std::size_t i = 0; i + 1 < digits; ++i) bytes.push_back(static_cast<std::byte>(bits >> (16 - 8 * i)));
  }
  return bytes;
}

}  // namespace headrace
