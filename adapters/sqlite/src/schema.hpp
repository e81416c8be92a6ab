#pragma once

#include "connection.hpp"

namespace headrace::sqlite {

/// Marks the file as Headrace's ("HDRC"), for SQLite's header.
inline constexpr std::int64_t kApplicationId = 0x48445243;

/// Brings the file to this program's schema, one version after the other, each in a transaction of its own.
/// Refuses files of other programs, and those of a newer version.
[[nodiscard]] Status migrate(Connection& connection);

/// The same without writing: an error unless the file has this program's schema.
[[nodiscard]] Status check_schema(Connection& connection);

}  // namespace headrace::sqlite
