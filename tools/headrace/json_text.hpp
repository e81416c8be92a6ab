#pragma once

#include <string>
#include <string_view>

#include "record.hpp"

namespace headrace::program {

/// Appends the text as a JSON string. Bytes that are not UTF-8 become U+FFFD, so that the output is always JSON.
void append_json_string(std::string& out, std::string_view text);

/// Appends a record as one JSON object, without a line end. CSV fields that read as JSON numbers are written as
/// numbers.
void append_json(std::string& out, const Record& record);

/// True for text that may stand in JSON as a number: `-1.5e3`, but neither `01`, `+1`, `.5` nor `nan`.
[[nodiscard]] bool is_json_number(std::string_view text) noexcept;

/// Bytes of the UTF-8 sequence that the text begins with, 0 when it begins with none.
[[nodiscard]] std::size_t utf8_sequence(std::string_view text) noexcept;

}  // namespace headrace::program
