#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "headrace/base/check.hpp"
#include "headrace/dispatch/dispatch_entry.hpp"
#include "headrace/event/event_traits.hpp"

namespace headrace {

/// Dispatch entries by tag. Workers read without locks; the Dispatcher adds under its mutex, and nothing is removed.
/// A tag reaches a worker inside a frame, and the frame's commit publishes what was stored here before it.
class EntryTable {
 public:
  EntryTable() : chunks_(kChunks) {}
  ~EntryTable() {
    for (std::uint32_t tag = 0; tag < next_; ++tag) {
      delete at(tag).handlers.load(std::memory_order_relaxed);  // no partner: workers are gone
    }
  }

  /// @thread worker  @progress wait-free
  [[nodiscard]] DispatchEntry& at(std::uint32_t tag) const noexcept { return *chunks_[tag / kChunk][tag % kChunk]; }

  /// Gives the entry a tag, and its frames their kind.
  DispatchEntry& add(std::unique_ptr<DispatchEntry> entry) {
    HEADRACE_CHECK("entries.tags", next_ <= FrameKind::kTagMax, "more than four million dispatch entries");
    const std::uint32_t tag = next_++;
    auto& chunk = chunks_[tag / kChunk];
    if (!chunk) chunk = std::make_unique<std::unique_ptr<DispatchEntry>[]>(kChunk);
    entry->tag = tag;
    entry->kind = entry->place.boxed ? FrameKind(tag, sizeof(void*), alignof(void*))
                                     : FrameKind(tag, entry->ops->size, entry->ops->align);
    return *(chunk[tag % kChunk] = std::move(entry));
  }
  [[nodiscard]] std::uint32_t size() const noexcept { return next_; }

 private:
  static constexpr std::size_t kChunk = 1024;
  static constexpr std::size_t kChunks = (FrameKind::kTagMax + 1) / kChunk;
  std::vector<std::unique_ptr<std::unique_ptr<DispatchEntry>[]>> chunks_;  // never resized
  std::uint32_t next_ = 0;
};

}  // namespace headrace
