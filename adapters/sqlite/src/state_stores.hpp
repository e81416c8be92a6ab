#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "headrace/port/checkpoint_store.hpp"
#include "headrace/port/snapshot_store.hpp"
#include "reader.hpp"
#include "writer.hpp"

namespace headrace::sqlite {

/// Changes go to the writer of the store, if it has one, or into a transaction that is under way.
using Write = std::function<Status(Change)>;
/// Looks go to a reader of the store, or into that transaction.
using Look = std::function<Status(const std::function<Status(Connection&)>&)>;

class Checkpoints final : public CheckpointStore {
 public:
  Checkpoints(Readers& readers, Write write) : readers_(readers), write_(std::move(write)) {}
  Result<EventPosition> load(std::string_view name) override;
  Status save(std::string_view name, EventPosition position) override;

 private:
  Readers& readers_;
  Write write_;
};

/// Within a transaction of the writer.
[[nodiscard]] Status save_checkpoint(WriteSession& session, std::string_view name, EventPosition position);

class Snapshots final : public SnapshotStore {
 public:
  Snapshots(Readers& readers, Write write) : readers_(readers), write_(std::move(write)) {}
  Result<std::optional<AggregateSnapshot>> load(std::string_view stream) override;
  Status save(std::string_view stream, const AggregateSnapshot& snapshot) override;
  Status remove(std::string_view stream) override;

 private:
  Readers& readers_;
  Write write_;
};

}  // namespace headrace::sqlite
