#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "write_session.hpp"

/// Single statements within the writer's transaction, kept prepared by their text.
namespace headrace::sqlite {

inline void bind_value(Statement& statement, int at, std::nullptr_t) { statement.bind_null(at); }
inline void bind_value(Statement& statement, int at, std::string_view text) { statement.bind(at, text); }
inline void bind_value(Statement& statement, int at, const std::string& text) {
  statement.bind(at, std::string_view{text});
}
inline void bind_value(Statement& statement, int at, std::span<const std::byte> bytes) {
  statement.bind(at, bytes);
}
template <std::integral Number>
void bind_value(Statement& statement, int at, Number number) {
  statement.bind(at, static_cast<std::int64_t>(number));
}

/// `take(row)` for every row; it may not change the table that is read.
template <class Take, class... Values>
[[nodiscard]] Status each_row(WriteSession& session, const std::string& sql, Take take, const Values&... values) {
  const auto found = session.cached(sql);
  if (!found) return found.error();
  Statement& statement = **found;
  const Running running(statement);
  int at = 0;
  (bind_value(statement, ++at, values), ...);
  for (;;) {
    const int code = statement.step();
    if (code == SQLITE_DONE) return Nothing{};
    if (code != SQLITE_ROW) return session.fail(code, sql);
    take(statement);
  }
}

template <class... Values>
[[nodiscard]] Status run_sql(WriteSession& session, const std::string& sql, const Values&... values) {
  return each_row(
      session, sql, [](const Statement&) {}, values...);
}

/// The first column of the first row; 0 without one.
template <class... Values>
[[nodiscard]] Result<std::int64_t> number_sql(WriteSession& session, const std::string& sql,
                                              const Values&... values) {
  std::int64_t number = 0;
  const Status done = each_row(
      session, sql, [&](const Statement& row) { number = row.integer(0); }, values...);
  if (!done) return done.error();
  return number;
}

}  // namespace headrace::sqlite
