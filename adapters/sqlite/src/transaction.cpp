#include "headrace/sqlite/transaction.hpp"

#include "dead_letter_store.hpp"
#include "dedup_store.hpp"
#include "write_session.hpp"

namespace headrace {
namespace {

using sqlite::Connection;
using sqlite::Statement;

void bind(Statement& statement, int at, const SqlValue& value) {
  struct Binder {
    Statement& to;
    int at;
    void operator()(std::monostate) const { to.bind_null(at); }
    void operator()(std::int64_t number) const { to.bind(at, number); }
    void operator()(double number) const { sqlite3_bind_double(to.handle(), at, number); }
    void operator()(const std::string& text) const { to.bind(at, std::string_view{text}); }
    void operator()(const std::vector<std::byte>& bytes) const { to.bind(at, std::span<const std::byte>(bytes)); }
  };
  std::visit(Binder{statement, at}, value);
}

SqlValue value_of(const Statement& row, int at) {
  switch (sqlite3_column_type(row.handle(), at)) {
    case SQLITE_INTEGER:
      return row.integer(at);
    case SQLITE_FLOAT:
      return sqlite3_column_double(row.handle(), at);
    case SQLITE_TEXT:
      return std::string{row.text(at)};
    case SQLITE_BLOB: {
      const auto bytes = row.blob(at);
      return std::vector<std::byte>(bytes.begin(), bytes.end());
    }
    default:
      return std::monostate{};
  }
}

/// BEGIN, COMMIT, SAVEPOINT and their like change no table and answer no columns; nothing else useful is so.
bool is_control(const Statement& statement) {
  return sqlite3_stmt_readonly(statement.handle()) != 0 && sqlite3_column_count(statement.handle()) == 0;
}

/// A mistake in the statement or a violated constraint; all else may have undone more than the statement.
bool undoes_itself_only(int code, sqlite3* database) {
  // OR ROLLBACK and RAISE(ROLLBACK) end the transaction, and with it what others changed in it.
  if (sqlite3_get_autocommit(database) != 0) return false;
  switch (code & 0xff) {
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
      return true;
    default:
      return false;
  }
}

/// What follows a failure that ended the transaction would be committed by itself.
Status check_open(const sqlite::WriteSession& session) {
  if (!session.must_roll_back()) return Nothing{};
  return Error{"the transaction has failed already, nothing of it will be stored", "transact"};
}

sqlite::Write writes_in(sqlite::WriteSession& session) {
  return [&session](const sqlite::Change& change) -> Status {
    if (auto open = check_open(session); !open) return open;
    return session.run_alone(change);
  };
}

sqlite::Look looks_in(sqlite::WriteSession& session) {
  return [&session](const std::function<Status(Connection&)>& look) -> Status {
    if (auto open = check_open(session); !open) return open;
    Status looked = look(session.connection());
    sqlite3* const database = session.connection().handle();
    // A failing disk ends the transaction.
    if (!looked && sqlite3_get_autocommit(database) != 0)
      return session.fail(sqlite3_extended_errcode(database), "look");
    return looked;
  };
}

/// Runs the statement; `take(row)` for each row.
template <class Take>
Status run_statement(sqlite::WriteSession& session, std::string_view sql, std::initializer_list<SqlValue> values,
                     Take take) {
  if (auto open = check_open(session); !open) return open;
  auto statement = session.connection().prepare(sql);
  if (!statement) return statement.error();
  if (!*statement || is_control(*statement)) {
    return Error{"not a statement for within a transaction: " + std::string{sql}, session.connection().file()};
  }
  int at = 0;
  for (const SqlValue& value : values) bind(*statement, ++at, value);
  for (;;) {
    const int code = statement->step();
    if (code == SQLITE_DONE) return Nothing{};
    if (code == SQLITE_ROW) {
      take(*statement);
      continue;
    }
    if (undoes_itself_only(code, session.connection().handle())) return session.connection().error(code, sql);
    return session.fail(code, sql);
  }
}

}  // namespace

Result<std::size_t> SqliteTransaction::run(std::string_view sql, std::initializer_list<SqlValue> values) {
  const auto before = sqlite3_total_changes64(session_.connection().handle());
  const auto done = run_statement(session_, sql, values, [](const Statement&) {});
  if (!done) return done.error();
  return static_cast<std::size_t>(sqlite3_total_changes64(session_.connection().handle()) - before);
}

Result<std::vector<SqlRow>> SqliteTransaction::query(std::string_view sql,
                                                     std::initializer_list<SqlValue> values) {
  std::vector<SqlRow> rows;
  const auto done = run_statement(session_, sql, values, [&](const Statement& row) {
    SqlRow& made = rows.emplace_back();
    for (int at = 0; at < sqlite3_column_count(row.handle()); ++at) made.push_back(value_of(row, at));
  });
  if (!done) return done.error();
  return rows;
}

Result<AppendReceipt> SqliteTransaction::append(const AppendRequest& request) {
  if (auto open = check_open(session_); !open) return open.error();
  if (auto checked = check_append(request); !checked) return checked.error();
  return session_.append(request);
}

std::unique_ptr<DeadLetterStore> SqliteTransaction::dead_letters(SqliteDeadLetterOptions options) {
  return std::make_unique<sqlite::DeadLetters>(looks_in(session_), writes_in(session_), options);
}

std::unique_ptr<DedupStore> SqliteTransaction::deduplication(SqliteDedupOptions options) {
  return std::make_unique<sqlite::DoneEvents>(writes_in(session_), std::move(options));
}

}  // namespace headrace
