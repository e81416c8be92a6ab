#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "headrace/base/check.hpp"
#include "headrace/dispatch/dispatch_entry.hpp"
#include "headrace/event/event_traits.hpp"

namespace headrace {

/// Dispatch entries by tag. Workers read without locks; the Dispatcher writes under its mutex.
/// A tag reaches a worker inside a frame, and the frame's commit publishes what was stored here before it.
class EntryTable {
 public:
  EntryTable() : chunks_(kChunks) {}

  /// @thread worker  @progress wait-free
  [[nodiscard]] const DispatchEntry& at(std::uint32_t tag) const noexcept {
    return *chunks_[tag / kChunk][tag % kChunk];
  }

  /// Gives the entry a tag, and its frames their kind.
  const DispatchEntry* add(std::unique_ptr<DispatchEntry> entry) {
    std::uint32_t tag = next_;
    if (free_.empty()) {
      HEADRACE_CHECK("entries.tags", next_ <= FrameKind::kTagMax, "more than four million dispatch entries");
      ++next_;
    } else {
      tag = free_.back();
      free_.pop_back();
    }
    auto& chunk = chunks_[tag / kChunk];
    if (!chunk) chunk = std::make_unique<std::unique_ptr<DispatchEntry>[]>(kChunk);
    entry->tag = tag;
    entry->kind = entry->boxed ? FrameKind(tag, sizeof(void*), alignof(void*))
                               : FrameKind(tag, entry->ops->size, entry->ops->align);
    return (chunk[tag % kChunk] = std::move(entry)).get();
  }
  /// No frame with this tag exists any more.
  void remove(std::uint32_t tag) {
    chunks_[tag / kChunk][tag % kChunk].reset();
    free_.push_back(tag);
  }

 private:
  static constexpr std::size_t kChunk = 1024;
  static constexpr std::size_t kChunks = (FrameKind::kTagMax + 1) / kChunk;
  std::vector<std::unique_ptr<std::unique_ptr<DispatchEntry>[]>> chunks_;  // never resized
  std::vector<std::uint32_t> free_;
  std::uint32_t next_ = 0;
};

}  // namespace headrace
