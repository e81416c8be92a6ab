#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/port/snapshot_store.hpp"

namespace headrace {

/// Snapshots that go with the process. @thread any
class MemorySnapshotStore final : public SnapshotStore {
 public:
  Result<std::optional<AggregateSnapshot>> load(std::string_view stream) override {
    const std::lock_guard lock(mutex_);
    const auto found = snapshots_.find(stream);
    if (found == snapshots_.end()) return std::optional<AggregateSnapshot>{};
    return std::optional<AggregateSnapshot>{found->second};
  }
  Status save(std::string_view stream, const AggregateSnapshot& snapshot) override {
    const std::lock_guard lock(mutex_);
    snapshots_.insert_or_assign(std::string{stream}, snapshot);
    return Nothing{};
  }
  Status remove(std::string_view stream) override {
    const std::lock_guard lock(mutex_);
    if (const auto found = snapshots_.find(stream); found != snapshots_.end()) snapshots_.erase(found);
    return Nothing{};
  }

 private:
  std::mutex mutex_;
  std::map<std::string, AggregateSnapshot, std::less<>> snapshots_;  // behind mutex_
};

}  // namespace headrace
