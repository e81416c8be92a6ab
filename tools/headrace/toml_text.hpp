#pragma once

#include <toml++/toml.h>

#include <string_view>

namespace headrace::program {

/// toml::parse, for any bytes. What it throws, toml::parse_error, says where the text stops being TOML.
[[nodiscard]] toml::table parse_toml(std::string_view text, std::string_view file);

}  // namespace headrace::program
