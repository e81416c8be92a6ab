#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "headrace/base/result.hpp"

namespace headrace {

struct SqliteVerdict {
  std::uint64_t streams = 0;
  std::uint64_t events = 0;
  std::vector<std::string> problems;  ///< the first hundred; empty: the file is whole
};

/// Reads the whole file: SQLite's own check of its pages, every event against its checksum, every stream for gaps,
/// the tags for events that are not there. Writers go on meanwhile. An error means that the file could not be read
/// at all.
[[nodiscard]] Result<SqliteVerdict> verify_sqlite_store(const std::filesystem::path& file);

/// Copies the store as it is at this moment into a new file, while others write. The copy is complete and on the
/// disk when it appears under its name; a file that is there already is an error.
[[nodiscard]] Status backup_sqlite_store(const std::filesystem::path& file, const std::filesystem::path& copy);

}  // namespace headrace
