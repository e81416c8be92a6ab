#include "headrace/port/codec.hpp"

#include <algorithm>

namespace headrace {
namespace {

constexpr char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

const Codec* Codecs::find(std::string_view content_type) const noexcept {
  const std::string_view wanted = media_type(content_type);
  for (const auto& codec : codecs_) {
    if (std::ranges::equal(codec->content_type(), wanted, {}, lower, lower)) return codec.get();
  }
  return nullptr;
}

}  // namespace headrace
