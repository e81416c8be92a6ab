#pragma once

#include <span>
#include <string>
#include <string_view>

namespace headrace::program {

/// `; did you mean 'filter'?` when one of the candidates is a slip of the keyboard away, else nothing.
[[nodiscard]] std::string suggestion(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace headrace::program
