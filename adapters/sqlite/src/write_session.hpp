#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "connection.hpp"
#include "event_select.hpp"
#include "headrace/port/event_store.hpp"
#include "headrace/sqlite/options.hpp"
#include "log_file.hpp"
#include "names.hpp"
#include "recent_ids.hpp"

namespace headrace::sqlite {

class WriteSession;
/// What is done within a transaction of the session.
using Change = std::function<Status(WriteSession&)>;

/// The one connection that writes, and what it remembers of the file. A transaction is begin(), any number of
/// changes, then commit() or rollback(). @thread whoever writes, one at a time
class WriteSession {
 public:
  [[nodiscard]] static Result<std::unique_ptr<WriteSession>> open(const SqliteOptions& options);

  [[nodiscard]] Status begin();
  /// After an error the transaction may be half done: roll it back.
  [[nodiscard]] Status commit();
  void rollback() noexcept;

  /// Changes nothing unless the receipt says `appended`. Should the error come from the file, must_roll_back().
  [[nodiscard]] Result<AppendReceipt> append(const AppendRequest& request);
  [[nodiscard]] Status truncate_stream(std::string_view name, StreamVersion keep_from);
  [[nodiscard]] Status truncate_all(EventPosition keep_from);
  /// An error of the change undoes what it did, and nothing else of the transaction.
  [[nodiscard]] Status run_alone(const Change& change);
  /// A statement kept by its text. For changes beside the events; an error of a step goes through fail().
  [[nodiscard]] Result<Statement*> cached(const std::string& sql);
  [[nodiscard]] Error fail(int code, std::string_view doing);
  [[nodiscard]] bool must_roll_back() const noexcept { return failed_; }
  /// A disk failed under the last error.
  [[nodiscard]] bool disk_failed() const noexcept { return disk_failed_; }

  /// Moves the log into the file when it has grown long. An error means that the disk failed.
  [[nodiscard]] Status checkpoint_if_long();
  /// From now on nothing is written any more, by closing neither.
  void abandon() noexcept;

  /// Of the newest event of the transaction, or of the file.
  [[nodiscard]] EventPosition last_position() const noexcept { return last_position_; }
  [[nodiscard]] Connection& connection() noexcept { return connection_; }

 private:
  struct Stream {
    std::int64_t id = 0;
    StreamVersion version = 0;
  };
  struct Statements {
    Statement begin, commit, data_version, last_position, greatest_id;
    Statement find_event, find_stream, insert_stream, find_topic, insert_topic, insert_event, insert_tag;
  };

  WriteSession(std::unique_ptr<GatheredLog> log, Connection connection, Names topics, const SqliteOptions& options)
      : log_(std::move(log)),
        connection_(std::move(connection)),
        topics_(std::move(topics)),
        wal_pages_max_(options.wal_pages) {}
  [[nodiscard]] Status prepare();
  [[nodiscard]] Status run(Statement& statement, std::string_view doing);
  [[nodiscard]] Status run_whole(const std::string& sql);
  void forget() noexcept;
  [[nodiscard]] Status refresh();

  [[nodiscard]] Result<Stream*> find_stream(const std::string& name);
  [[nodiscard]] Status create_stream(const std::string& name, Stream& stream);
  [[nodiscard]] Result<std::int64_t> topic_id(const std::string& name);
  [[nodiscard]] Result<bool> find_stored_ids(const AppendRequest& request, AppendReceipt& receipt);
  [[nodiscard]] Result<bool> find_conflict(const AppendRequest& request, AppendReceipt& receipt);
  [[nodiscard]] Status store(const AppendRequest& request, AppendReceipt& receipt);
  [[nodiscard]] Status store_event(Stream& stream, std::int64_t now_ns, const EncodedEvent& event);
  [[nodiscard]] Status execute(std::string_view sql, std::initializer_list<std::int64_t> numbers);

  std::unique_ptr<GatheredLog> log_;  ///< behind the connection
  Connection connection_;
  Names topics_;
  Statements statements_;
  EventSelect::Cache selects_;
  std::unordered_map<std::string, Stream> streams_;
  std::unordered_map<std::string, std::int64_t> topic_ids_;
  RecentIds recent_ids_;
  EventPosition last_position_ = 0;
  std::int64_t data_version_ = -1;
  std::size_t wal_pages_ = 0;
  const std::size_t wal_pages_max_;
  bool failed_ = false;
  bool disk_failed_ = false;
};

}  // namespace headrace::sqlite
