#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/event/field_value.hpp"

namespace headrace::wire {

/// Appends the text, which must be UTF-8, as a JSON string.
void append_json_string(std::string& out, std::string_view text);

/// Appends the fields as JSON. Answers false, and where, for NaN and infinities.
[[nodiscard]] bool append_json(std::string& out, const FieldValue& fields, std::string& where);

/// The texts of the values of an object or a list, in order. Of valid JSON only.
[[nodiscard]] std::vector<std::string_view> json_values(std::string_view container);

}  // namespace headrace::wire
