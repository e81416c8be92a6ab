#pragma once

#include <cstddef>
#include <cstdint>

#include "headrace/dispatch/dispatch_entry.hpp"
#include "headrace/dispatch/shared_event.hpp"

namespace headrace {

/// An event of a balanced group, as the MPMC ring carries it: small trivially copyable ones inline, others by
/// pointer.
struct BalancedEvent {
  static constexpr std::size_t kInlineBytes = 104;

  const DispatchEntry* entry;
  std::uint64_t stamp;  ///< cycles(), or 0
  alignas(8) std::byte bytes[kInlineBytes];

  [[nodiscard]] static bool fits(const EventOps& ops) noexcept {
    return ops.trivially_copyable && ops.size <= kInlineBytes && ops.align <= 8;
  }
  [[nodiscard]] SharedEvent* shared() const noexcept {
    SharedEvent* event;
    __builtin_memcpy(&event, bytes, sizeof(event));
    return event;
  }
  void set_shared(SharedEvent* event) noexcept { __builtin_memcpy(bytes, &event, sizeof(event)); }
};

}  // namespace headrace
