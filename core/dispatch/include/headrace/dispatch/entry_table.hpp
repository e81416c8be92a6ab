#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>

#include "headrace/base/check.hpp"
#include "headrace/dispatch/dispatch_entry.hpp"
#include "headrace/event/event_traits.hpp"

namespace headrace {

/// Dispatch entries by tag. Workers read without locks; the Dispatcher adds under its mutex, and nothing is
/// removed or moved: each chunk is twice the one before, so that few make a table that lies inside this object,
/// one load away. A tag reaches a worker inside a frame, and the frame's commit publishes what was stored here
/// before it.
class EntryTable {
 public:
  EntryTable() = default;
  EntryTable(const EntryTable&) = delete;
  EntryTable& operator=(const EntryTable&) = delete;
  ~EntryTable() {
    for (std::uint32_t tag = 0; tag < next_; ++tag) {
      delete at(tag).handlers.load(std::memory_order_relaxed);  // no partner: workers are gone
    }
  }

  /// @thread worker  @progress wait-free
  [[nodiscard]] DispatchEntry& at(std::uint32_t tag) const noexcept {
    if (tag < kFirstChunk) [[likely]]
      return chunks_[0][tag];
    const Slot slot(tag);
    return chunks_[slot.chunk][slot.index];
  }

  /// An entry of this topic at this place; its handlers are still to be set.
  DispatchEntry& add(const TopicNode& topic, const EventOps& ops, const DispatchEntry::Place& place) {
    HEADRACE_CHECK("entries.tags", next_ <= FrameKind::kTagMax, "more than four million dispatch entries");
    const std::uint32_t tag = next_++;
    const Slot slot(tag);
    auto& chunk = chunks_[slot.chunk];
    if (!chunk) chunk = std::make_unique<DispatchEntry[]>(std::size_t{kFirstChunk} << slot.chunk);
    DispatchEntry& entry = chunk[slot.index];
    entry.tag = tag;
    entry.topic = &topic;
    entry.ops = &ops;
    entry.place = place;
    entry.plain = !place.boxed && ops.trivially_copyable && ops.payload_offset == 0;
    entry.kind = place.boxed ? FrameKind(tag, sizeof(void*), alignof(void*)) : FrameKind(tag, ops.size, ops.align);
    return entry;
  }
  [[nodiscard]] std::uint32_t size() const noexcept { return next_; }

 private:
  static constexpr std::uint32_t kFirstChunk = 256;
  static constexpr std::size_t kChunks = std::bit_width((FrameKind::kTagMax + kFirstChunk) / kFirstChunk);

  struct Slot {
    explicit Slot(std::uint32_t tag) noexcept
        : chunk(std::bit_width((tag + kFirstChunk) / kFirstChunk) - 1U),
          index(tag + kFirstChunk - (kFirstChunk << chunk)) {}
    std::uint32_t chunk;
    std::uint32_t index;
  };

  std::array<std::unique_ptr<DispatchEntry[]>, kChunks> chunks_;
  std::uint32_t next_ = 0;
};

}  // namespace headrace
