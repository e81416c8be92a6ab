#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "headrace/port/checkpoint_store.hpp"

namespace headrace {

/// Checkpoints that go with the process: for read models that do so too. @thread any
class MemoryCheckpointStore final : public CheckpointStore {
 public:
  Result<EventPosition> load(std::string_view name) override {
    const std::lock_guard lock(mutex_);
    const auto found = positions_.find(name);
    return found == positions_.end() ? EventPosition{0} : found->second;
  }
  Status save(std::string_view name, EventPosition position) override {
    const std::lock_guard lock(mutex_);
    positions_.insert_or_assign(std::string{name}, position);
    return Nothing{};
  }

 private:
  std::mutex mutex_;
  std::map<std::string, EventPosition, std::less<>> positions_;  // behind mutex_
};

}  // namespace headrace
