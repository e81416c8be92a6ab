#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <span>
#include <unordered_map>

#include "headrace/delivery/dedup_table.hpp"

namespace headrace {

/// DedupTable behind the port: for several threads of one process, and where the port is asked for.
/// Threads: any, behind one mutex.
class MemoryDedupStore final : public DedupStore {
 public:
  explicit MemoryDedupStore(DedupWindow window = {}) : table_(window) {}

  [[nodiscard]] Status claim(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
                             std::span<DedupAnswer> answers) override {
    if (answers.size() < keys.size()) return Error{"fewer answers than keys", "MemoryDedupStore"};
    const std::lock_guard lock{mutex_};
    const Result<DedupTable::Owner> number = number_of(owner);
    if (!number) return number.error();
    table_.claim(keys, number.value(), now, answers.data());
    return Nothing{};
  }
  [[nodiscard]] Result<std::size_t> finish(std::span<const DedupFinish> ends, DedupOwner owner,
                                           EventTime now) override {
    const std::lock_guard lock{mutex_};
    const Result<DedupTable::Owner> number = number_of(owner);
    if (!number) return number.error();
    std::size_t ended = 0;
    for (const DedupFinish& end : ends) ended += table_.finish(end, number.value(), now) ? 1 : 0;
    return ended;
  }
  [[nodiscard]] Result<std::size_t> renew(std::span<const DedupKey> keys, DedupOwner owner, EventTime now,
                                          EventTime from) override {
    const std::lock_guard lock{mutex_};
    const Result<DedupTable::Owner> number = number_of(owner);
    if (!number) return number.error();
    std::size_t renewed = 0;
    for (const DedupKey& key : keys) renewed += table_.renew(key, number.value(), now, from) ? 1 : 0;
    return renewed;
  }

 private:
  [[nodiscard]] Result<DedupTable::Owner> number_of(DedupOwner owner) {
    if (owner == 0) return Error{"0 is nobody: an owner needs a number of its own", "MemoryDedupStore"};
    const auto known = owners_.find(owner);
    if (known != owners_.end()) return known->second;
    if (owners_.size() == std::numeric_limits<DedupTable::Owner>::max()) {
      return Error{"more than 65,535 owners claimed events", "MemoryDedupStore"};
    }
    const auto number = static_cast<DedupTable::Owner>(owners_.size());
    owners_.emplace(owner, number);
    return number;
  }

  std::mutex mutex_;
  DedupTable table_;
  std::unordered_map<DedupOwner, DedupTable::Owner> owners_;
};

}  // namespace headrace
