#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "headrace/port/checkpoint_store.hpp"
#include "headrace/port/read_model.hpp"
#include "headrace/port/snapshot_store.hpp"
#include "temporary_folder.hpp"

namespace headrace::test {

/// What keeps states beside events: checkpoints, snapshots, and read models that write down the bodies of events.
class StateStores {
 public:
  virtual ~StateStores() = default;
  [[nodiscard]] virtual CheckpointStore& checkpoints() = 0;
  [[nodiscard]] virtual SnapshotStore& snapshots() = 0;
  /// Of the name; an event whose body is `poison` cannot be applied.
  [[nodiscard]] virtual ReadModel read_model(const std::string& name, const std::string& poison) = 0;
  /// What the read models have written down.
  [[nodiscard]] virtual std::vector<std::string> seen() = 0;
};

struct StateStoresKind {
  std::string name;
  std::function<std::unique_ptr<StateStores>(const std::filesystem::path& folder)> open;
  bool lasts = false;     ///< what is saved is there when it is opened again
  bool is_whole = false;  ///< a batch and its checkpoint are one transaction

  friend void PrintTo(const StateStoresKind& kind, std::ostream* out) { *out << kind.name; }
};

/// Everything of the kind that this build has.
[[nodiscard]] std::vector<StateStoresKind> state_stores_kinds();

}  // namespace headrace::test
