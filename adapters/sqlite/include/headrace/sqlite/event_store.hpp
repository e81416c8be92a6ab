#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/port/checkpoint_store.hpp"
#include "headrace/port/dead_letter_requests.hpp"
#include "headrace/port/dead_letter_store.hpp"
#include "headrace/port/dedup_store.hpp"
#include "headrace/port/event_store.hpp"
#include "headrace/port/lease_store.hpp"
#include "headrace/port/read_model.hpp"
#include "headrace/port/snapshot_store.hpp"
#include "headrace/sqlite/options.hpp"
#include "headrace/sqlite/transaction.hpp"

namespace headrace {

/// An event store in one SQLite file, for one machine.
///
/// One thread writes: appends that wait for it share a transaction, and each is answered when that is durable.
/// Readers have connections of their own and wait for nobody. Other programs may read and write the file at the
/// same time.
/// Threads: any.
/// Errors:  locked, full and damaged files say so. After a failed write or flush (EIO) the store stops: every later
///          append answers with that error, nothing is tried again on the same pages, and reads go on. Open it anew
///          then: what was acknowledged is there.
class SqliteEventStore final : public EventStore {
 public:
  /// Opens the file as the options say; a writer brings an old schema up to date.
  [[nodiscard]] static Result<std::unique_ptr<SqliteEventStore>> open(SqliteOptions options);
  /// Appends that wait are finished first.
  ~SqliteEventStore() override;

  Result<AppendReceipt> append(const AppendRequest& request) override;
  void submit(AppendRequest request, std::function<void(Result<AppendReceipt>)> done) override;
  Result<ReadEnd> read_stream(const StreamRead& read, const EventVisitor& visitor) override;
  Result<ReadEnd> read_all(const GlobalRead& read, const EventVisitor& visitor) override;
  Result<StreamInfo> stream(std::string_view name) override;
  Result<std::vector<StreamInfo>> streams(std::string_view after, std::size_t limit) override;
  Result<EventPosition> last_position() override;
  Result<EventPosition> wait_beyond(EventPosition position, std::chrono::milliseconds time,
                                    std::stop_token stop) override;
  Status truncate_stream(std::string_view name, StreamVersion keep_from) override;
  Status truncate_all(EventPosition keep_from) override;
  EventStoreCapabilities capabilities() const override;

  /// Runs `change` in a transaction of its own or with others' appends; durable when it returns. An error that it
  /// answers undoes what it did. It runs once, while other writers wait: it must be short, must not throw and must
  /// not call the store.
  [[nodiscard]] Status transact(const std::function<Status(SqliteTransaction&)>& change);

  /// A read model in tables of this file: the events' effects and the checkpoint are one transaction, so that each
  /// event has its effect once. The handler runs as `change` does. Belongs to the store.
  using TransactionHandler = std::function<Status(SqliteTransaction&, const StoredEvent&)>;
  [[nodiscard]] ReadModel read_model(std::string name, TransactionHandler handler);

  /// In the same file; they belong to the store.
  [[nodiscard]] CheckpointStore& checkpoints() noexcept;
  [[nodiscard]] SnapshotStore& snapshots() noexcept;
  /// Between all programs that have the file open.
  [[nodiscard]] LeaseStore& leases() noexcept;

  /// In the same file as well, for several programs at once. The event store must outlive them. Letters need their
  /// body: typed events do not outlive the process.
  [[nodiscard]] Result<std::unique_ptr<DeadLetterStore>> dead_letters(SqliteDeadLetterOptions options = {});
  /// What `headrace dlq redrive FILE` asks, for a DeadLetterService. Belongs to the store.
  [[nodiscard]] DeadLetterRequests& dead_letter_requests() noexcept;
  [[nodiscard]] std::unique_ptr<DedupStore> deduplication(SqliteDedupOptions options);

 private:
  class Parts;
  explicit SqliteEventStore(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace headrace
