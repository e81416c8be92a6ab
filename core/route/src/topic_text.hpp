#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"

namespace headrace::detail {

inline Error text_error(std::string_view subject, std::size_t offset, std::string what) {
  return Error{std::move(what), std::string{subject} + ", byte " + std::to_string(offset)};
}

/// What names and filters must both be: not empty, not too long, UTF-8, without NUL and without empty levels.
[[nodiscard]] Status check_topic_text(std::string_view subject, std::string_view text);

}  // namespace headrace::detail
