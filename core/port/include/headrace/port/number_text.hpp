#pragma once

#include <array>
#include <charconv>
#include <string>

namespace headrace {

/// The shortest text that reads back as the same number. For adapters, whose headers are texts.
template <class Number>
[[nodiscard]] std::string number_text(Number number) {
  std::array<char, 32> digits;
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr};
}

}  // namespace headrace
