#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace headrace::sqlite {

/// Lists of texts as JSON arrays of strings, so that `sqlite3` and its JSON functions can read them. Bytes that
/// are not UTF-8 stay as they are and come back; everything written here is read back the same.
void append_text(std::string& json, std::string_view text);
[[nodiscard]] std::string to_json(const std::vector<std::string>& texts);
[[nodiscard]] std::string to_json(const std::vector<std::pair<std::string, std::string>>& headers);

/// False when the text is no such array; the list then holds what was read before the fault.
[[nodiscard]] bool from_json(std::string_view json, std::vector<std::string>& texts);
[[nodiscard]] bool from_json(std::string_view json, std::vector<std::pair<std::string, std::string>>& headers);

}  // namespace headrace::sqlite
