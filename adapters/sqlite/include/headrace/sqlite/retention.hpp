#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/port/append_request.hpp"

namespace headrace {

class SqliteEventStore;

/// Which events may go: the oldest, while one of the two limits is passed.
struct SqliteRetention {
  std::chrono::nanoseconds age_max{0};  ///< since it was stored; 0: no limit
  std::uint64_t bytes_max = 0;          ///< of the file's pages that hold something; 0: no limit
  /// Only events of streams whose name fits, as SQLite's GLOB has it: `metrics-*`. Streams of aggregates without
  /// snapshots must not lose their beginning.
  std::string streams = "*";

  /// What becomes of events that somebody has not read: a projection, an outbox, durable topics; in short, of those
  /// behind the least checkpoint in the file.
  enum class Unread : std::uint8_t { keep, remove };
  Unread unread = Unread::keep;
  std::vector<std::string> ignored_checkpoints{};  ///< of readers that are no more

  std::size_t events_each = 1000;  ///< removed in one transaction: appends wait for no more than that
};

/// What a retention has done.
struct SqliteRetained {
  std::uint64_t events = 0;   ///< removed
  std::uint64_t unread = 0;   ///< of these, behind some checkpoint
  std::uint64_t bytes = 0;    ///< that are in use afterwards
  std::string held_by;        ///< the checkpoint that kept events from going; empty: none did
  EventPosition held_at = 0;  ///< where it stands
};

/// One pass: removes what may go, in transactions of `events_each`. Versions and positions of other events stay; the
/// file keeps its size, and its free pages are used again. Errors are the store's: what was removed before stays so.
/// @thread any; other passes and appends at the same time do no harm
[[nodiscard]] Result<SqliteRetained> retain(SqliteEventStore& store, const SqliteRetention& retention,
                                            std::chrono::system_clock::time_point now,
                                            const std::stop_token& stop = {});

/// Makes a pass each `every`, on a thread of its own, the first at once.
/// Threads:   any.  Lifetime: the store outlives it.
class SqliteRetainer {
 public:
  SqliteRetainer(SqliteEventStore& store, SqliteRetention retention,
                 std::chrono::milliseconds every = std::chrono::minutes{1});
  /// Waits for the transaction that runs.
  ~SqliteRetainer() = default;
  SqliteRetainer(const SqliteRetainer&) = delete;
  SqliteRetainer& operator=(const SqliteRetainer&) = delete;

  struct Account {
    std::uint64_t passes = 0;
    SqliteRetained all;          ///< events and unread of all passes, the rest of the last one
    std::optional<Error> error;  ///< of the last pass; the next one tries again
  };
  [[nodiscard]] Account account() const;

 private:
  void loop(const std::stop_token& stop);

  SqliteEventStore& store_;
  const SqliteRetention retention_;
  const std::chrono::milliseconds every_;
  mutable std::mutex mutex_;
  std::condition_variable_any stopped_;
  Account account_;  // behind mutex_
  std::jthread thread_;
};

}  // namespace headrace
