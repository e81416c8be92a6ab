#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include "headrace/base/atomic.hpp"
#include "headrace/event/event_traits.hpp"

namespace headrace {

/// An event outside the lanes: too large or not copyable, and wanted by several workers, or waiting behind a full
/// lane. Whoever gives up the last reference destroys it, on any core.
///
/// Ordering:  R1 -> R2  every owner's use of the event happens before its destruction
class SharedEvent {
 public:
  /// Storage for one event, owned by `references` holders; the caller constructs the event at data().
  [[nodiscard]] static SharedEvent* allocate(const EventOps& ops, std::uint32_t references) {
    const std::size_t offset = data_offset(ops.align);
    void* memory = ::operator new(offset + ops.size, alignment(ops.align));
    return new (memory) SharedEvent(ops, references);
  }

  [[nodiscard]] void* data() noexcept { return reinterpret_cast<std::byte*>(this) + data_offset(ops_->align); }
  [[nodiscard]] const EventOps& ops() const noexcept { return *ops_; }

  /// One more holder, who got the event from one that still has it.
  void share() noexcept {
    references_.fetch_add(1, std::memory_order_relaxed);  // no partner: the caller's own reference keeps it alive
  }

  void release() noexcept {
    // One order for both ends in place of a fence: it costs nothing on x86, and race detectors follow it.
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {  // R1 -> R2, R2 <- R1
      ops_->destroy(data(), 1);
      free_memory();
    }
  }

  /// For a holder whose event was never constructed.
  void discard_unbuilt() noexcept { free_memory(); }

 private:
  SharedEvent(const EventOps& ops, std::uint32_t references) noexcept : ops_(&ops), references_(references) {}

  static std::size_t data_offset(std::size_t align) noexcept {
    return align > sizeof(SharedEvent) ? align : (sizeof(SharedEvent) + align - 1) & ~(align - 1);
  }
  static std::align_val_t alignment(std::size_t align) noexcept {
    return std::align_val_t{align > alignof(SharedEvent) ? align : alignof(SharedEvent)};
  }
  void free_memory() noexcept {
    const auto align = alignment(ops_->align);
    this->~SharedEvent();
    ::operator delete(this, align);
  }

  const EventOps* ops_;
  Atomic<std::uint32_t> references_;
};

}  // namespace headrace
