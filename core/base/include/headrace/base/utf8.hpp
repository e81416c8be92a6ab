#pragma once

#include <cstddef>
#include <string_view>

namespace headrace {

/// The offset of the first byte sequence that is not UTF-8 (overlong forms, surrogates and what lies above
/// U+10FFFF included), or npos.
[[nodiscard]] std::size_t malformed_utf8(std::string_view text) noexcept;

}  // namespace headrace
