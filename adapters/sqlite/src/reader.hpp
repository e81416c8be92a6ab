#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "connection.hpp"
#include "event_row.hpp"
#include "event_select.hpp"
#include "headrace/port/event_store.hpp"
#include "headrace/sqlite/options.hpp"
#include "names.hpp"

namespace headrace::sqlite {

/// A connection that reads. @thread one at a time
class Reader {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Reader>> open(const SqliteOptions& options);

  [[nodiscard]] Result<ReadEnd> read_stream(const StreamRead& read, const EventVisitor& visitor);
  [[nodiscard]] Result<ReadEnd> read_all(const GlobalRead& read, const EventVisitor& visitor);
  [[nodiscard]] Result<StreamInfo> stream(std::string_view name);
  [[nodiscard]] Result<std::vector<StreamInfo>> streams(std::string_view after, std::size_t limit);
  [[nodiscard]] Result<EventPosition> last_position();
  [[nodiscard]] Connection& connection() noexcept { return connection_; }

 private:
  struct Statements {
    Statement stream_id, forward, backward, stream, streams, last_position;
  };
  enum class PageEnd { full, exhausted, stopped };

  Reader(Connection connection, Names streams, Names topics)
      : connection_(std::move(connection)), stream_names_(std::move(streams)), topics_(std::move(topics)) {}
  [[nodiscard]] Status prepare();
  enum class Columns { apart, taken };  ///< kEventColumns, or take_event() of them
  [[nodiscard]] Result<PageEnd> visit_rows(Statement& rows, Columns columns, std::size_t rows_max,
                                           const EventVisitor& visitor, ReadEnd& end);

  Connection connection_;
  Names stream_names_;
  Names topics_;
  Statements statements_;
  EventSelect::Cache selects_;
  EventReading reading_{stream_names_, topics_};
};

/// Readers that wait for work. There is one more whenever all are in use, so that a visitor may read.
/// @thread any
class Readers {
 public:
  explicit Readers(const SqliteOptions& options) : options_(options) {}

  /// Gives the reader back at the end of the scope.
  class Lease {
   public:
    Lease(Readers& readers, std::unique_ptr<Reader> reader) : readers_(&readers), reader_(std::move(reader)) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (reader_) readers_->give_back(std::move(reader_));
    }
    [[nodiscard]] Reader* operator->() const noexcept { return reader_.get(); }

   private:
    Readers* readers_;
    std::unique_ptr<Reader> reader_;
  };
  [[nodiscard]] Result<Lease> take();

 private:
  void give_back(std::unique_ptr<Reader> reader);

  const SqliteOptions& options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_;  // behind mutex_
};

}  // namespace headrace::sqlite
