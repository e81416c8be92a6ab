#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace headrace::wire {

/// %XX for every byte that does not stand for itself.
[[nodiscard]] std::string percent_encode(std::string_view text, bool (*stands_for_itself)(char));
/// Nothing for a `%` without two hex digits behind it.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

}  // namespace headrace::wire
