#include "state_stores.hpp"

#include <utility>

#include "headrace/sourcing/memory_checkpoint_store.hpp"
#include "headrace/sourcing/memory_snapshot_store.hpp"
#include "headrace/sourcing/projection.hpp"
#include "stored_events.hpp"
#if defined(HEADRACE_HAS_SQLITE)
#include <variant>

#include "headrace/sqlite/event_store.hpp"
#endif

namespace headrace::test {
namespace {

class StatesInMemory final : public StateStores {
 public:
  CheckpointStore& checkpoints() override { return checkpoints_; }
  SnapshotStore& snapshots() override { return snapshots_; }
  ReadModel read_model(const std::string& name, const std::string& poison) override {
    return checkpoint_after(checkpoints_, name, [this, poison](const StoredEvent& event) -> Status {
      if (text_of(event.event.body) == poison) return Error{"poisoned", {}};
      seen_.push_back(text_of(event.event.body));
      return Nothing{};
    });
  }
  std::vector<std::string> seen() override { return seen_; }

 private:
  MemoryCheckpointStore checkpoints_;
  MemorySnapshotStore snapshots_;
  std::vector<std::string> seen_;
};

#if defined(HEADRACE_HAS_SQLITE)
class StatesInAFile final : public StateStores {
 public:
  explicit StatesInAFile(const std::filesystem::path& folder)
      : store_(SqliteEventStore::open({.file = folder / "states.db", .durability = SqliteDurability::memory})
                   .value()) {
    const auto made = store_->transact([](SqliteTransaction& transaction) -> Status {
      const auto run = transaction.run("CREATE TABLE IF NOT EXISTS seen (body TEXT)");
      return run ? Status(Nothing{}) : Status(run.error());
    });
    HEADRACE_CHECK("test.table", made.has_value(), "the read model has no table");
  }
  CheckpointStore& checkpoints() override { return store_->checkpoints(); }
  SnapshotStore& snapshots() override { return store_->snapshots(); }
  ReadModel read_model(const std::string& name, const std::string& poison) override {
    return store_->read_model(name, [poison](SqliteTransaction& transaction, const StoredEvent& event) -> Status {
      if (text_of(event.event.body) == poison) return Error{"poisoned", {}};
      const auto run = transaction.run("INSERT INTO seen VALUES (?1)", {text_of(event.event.body)});
      return run ? Status(Nothing{}) : Status(run.error());
    });
  }
  std::vector<std::string> seen() override {
    std::vector<std::string> bodies;
    const auto read = store_->transact([&](SqliteTransaction& transaction) -> Status {
      const auto rows = transaction.query("SELECT body FROM seen ORDER BY rowid");
      if (!rows) return rows.error();
      for (const SqlRow& row : *rows) bodies.push_back(std::get<std::string>(row.at(0)));
      return Nothing{};
    });
    HEADRACE_CHECK("test.seen", read.has_value(), "the read model cannot be read");
    return bodies;
  }

 private:
  std::unique_ptr<SqliteEventStore> store_;
};
#endif

}  // namespace

std::vector<StateStoresKind> state_stores_kinds() {
  std::vector<StateStoresKind> kinds;
  kinds.push_back({"Memory", [](const auto&) { return std::make_unique<StatesInMemory>(); }});
#if defined(HEADRACE_HAS_SQLITE)
  kinds.push_back(
      {"Sqlite", [](const auto& folder) { return std::make_unique<StatesInAFile>(folder); }, true, true});
#endif
  return kinds;
}

}  // namespace headrace::test
