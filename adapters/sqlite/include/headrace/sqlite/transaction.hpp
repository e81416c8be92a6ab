#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "headrace/port/dead_letter_store.hpp"
#include "headrace/port/dedup_store.hpp"
#include "headrace/port/event_store.hpp"
#include "headrace/sqlite/options.hpp"

namespace headrace {
namespace sqlite {
class WriteSession;
}

/// NULL, a number, text or bytes.
using SqlValue = std::variant<std::monostate, std::int64_t, double, std::string, std::vector<std::byte>>;
using SqlRow = std::vector<SqlValue>;

/// The store's own transaction, for tables of the program's, dead letters and what was done beside the events: all of
/// it is there, or nothing. Names
/// of tables that the store uses itself are in its README.
/// @thread the one that writes at the moment, within SqliteEventStore::transact()
class SqliteTransaction {
 public:
  /// For the adapter only.
  explicit SqliteTransaction(sqlite::WriteSession& session) noexcept : session_(session) {}

  /// One statement, with ?1, ?2 … for the values; answers the rows that it changed. What would end the transaction
  /// is refused; a statement that fails by ending it (OR ROLLBACK, RAISE(ROLLBACK)) fails the whole commit: others
  /// in it are told to try again. Use OR ABORT, which undoes the statement only. After a failure that cannot be
  /// undone alone every further call answers an error.
  [[nodiscard]] Result<std::size_t> run(std::string_view sql, std::initializer_list<SqlValue> values = {});
  /// One statement; answers its rows.
  [[nodiscard]] Result<std::vector<SqlRow>> query(std::string_view sql,
                                                  std::initializer_list<SqlValue> values = {});

  /// As EventStore::append, but durable with the transaction.
  [[nodiscard]] Result<AppendReceipt> append(const AppendRequest& request);

  /// The dead letters and the deduplication of the file, as SqliteEventStore has them; what they are told is durable
  /// with the transaction, or undone with it, and they see what it has changed. A call that fails undoes itself only.
  /// They must not outlive the transaction. Letters are counted since the file was made.
  [[nodiscard]] std::unique_ptr<DeadLetterStore> dead_letters(SqliteDeadLetterOptions options = {});
  [[nodiscard]] std::unique_ptr<DedupStore> deduplication(SqliteDedupOptions options);

 private:
  sqlite::WriteSession& session_;
};

}  // namespace headrace
