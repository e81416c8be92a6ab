#pragma once

#include <filesystem>

#include "config.hpp"
#include "toml_section.hpp"

namespace headrace::program {

/// Reads every section of a parsed config into its place; what is wrong goes to the problems, and reading goes on.
void read_config(TomlSection& root, ProblemList& problems, const std::filesystem::path& output_folder,
                 Config& into);

/// The section [bus] alone.
void read_bus_config(TomlSection& section, BusConfig& bus);

}  // namespace headrace::program
