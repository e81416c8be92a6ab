#pragma once

#include <filesystem>
#include <string_view>

namespace headrace::program {

/// Writes the file, or says on stderr why not.
[[nodiscard]] bool save_text(const std::filesystem::path& path, std::string_view text);

}  // namespace headrace::program
