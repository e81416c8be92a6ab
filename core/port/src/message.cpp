#include "headrace/port/message.hpp"

#include <algorithm>

namespace headrace {
namespace {

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kHex[byte >> 4U];
    text += kHex[byte & 15U];
  }
  return text;
}

}  // namespace

void add_foreign_header(Message& message, std::string_view name, std::string_view field) {
  const auto is_it = [&](const auto& header) { return header.first == name; };
  if (field.empty() || std::ranges::any_of(message.headers, is_it)) return;
  const bool is_plain = std::ranges::all_of(field, [](char c) { return c >= ' ' && c <= '~'; });
  message.headers.emplace_back(name, is_plain ? std::string(field) : hex_of(field));
}

}  // namespace headrace
