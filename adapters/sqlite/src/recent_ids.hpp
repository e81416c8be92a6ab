#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_set>

#include "headrace/event/event_id.hpp"

namespace headrace::sqlite {

/// Tells most new event ids from stored ones without asking the file. Ids of version 7 carry their time: behind a
/// certain millisecond, the floor, every stored id is remembered here, so an id that is not is new. Ids before it,
/// and those of other versions, may be stored.
class RecentIds {
 public:
  /// The file's greatest id; everything up to its millisecond is left to the file.
  void start_behind(const EventId& greatest) {
    newest_ms_ = greatest.unix_ms();
    floor_ms_ = newest_ms_ + 1;
    ids_.clear();
  }
  [[nodiscard]] bool may_be_stored(const EventId& id) const {
    return id.unix_ms() < floor_ms_ || ids_.contains(id);
  }
  void add(const EventId& id) {
    newest_ms_ = std::max(newest_ms_, id.unix_ms());
    if (id.unix_ms() < floor_ms_) return;
    if (ids_.size() >= kIdsMax) {
      floor_ms_ = newest_ms_ + 1;
      ids_.clear();
      return;
    }
    ids_.insert(id);
  }

 private:
  static constexpr std::size_t kIdsMax = 50'000;
  struct Hash {
    std::size_t operator()(const EventId& id) const noexcept { return hash_key(id); }
  };
  std::uint64_t floor_ms_ = ~std::uint64_t{0};  ///< ask the file about everything
  std::uint64_t newest_ms_ = 0;
  std::unordered_set<EventId, Hash> ids_;
};

}  // namespace headrace::sqlite
