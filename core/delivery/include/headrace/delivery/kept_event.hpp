#pragma once

#include <array>
#include <cstddef>

#include "headrace/event/held_event.hpp"

namespace headrace {

/// The event of a PendingEvent. What is small and trivially copyable lies in place, so that a retry allocates
/// nothing; everything else is a HeldEvent.
/// Threads: one at a time. It does not move: handlers hold references to the event.
class KeptEvent {
 public:
  static constexpr std::size_t kInPlaceBytes = 192;  ///< an event of a cache line and its meta have room

  KeptEvent() = default;
  KeptEvent(const KeptEvent&) = delete;
  KeptEvent& operator=(const KeptEvent&) = delete;

  /// Takes the event out of the place where it stands; what is left there stays to be destroyed by its owner.
  void take(const EventOps& ops, void* event) {
    if (!ops.trivially_copyable || ops.size > kInPlaceBytes || ops.align > alignof(std::max_align_t)) {
      return share(HeldEvent::move_from(ops, event));
    }
    clear();
    ops.move(bytes_.data(), event);
    in_place_ = &ops;
  }
  void share(HeldEvent event) noexcept {
    clear();
    held_ = std::move(event);
  }
  void clear() noexcept {
    in_place_ = nullptr;
    held_ = {};
  }

  [[nodiscard]] const void* data() const noexcept { return in_place_ != nullptr ? bytes_.data() : held_.data(); }
  /// What a dead letter keeps of it: HeldEvent::for_letter(), of a copy if it lies in place.
  [[nodiscard]] HeldEvent for_letter() {
    return in_place_ != nullptr ? HeldEvent::move_from(*in_place_, bytes_.data()).for_letter()
                                : held_.for_letter();
  }

 private:
  alignas(std::max_align_t) std::array<std::byte, kInPlaceBytes> bytes_;
  const EventOps* in_place_ = nullptr;  ///< of what lies in bytes_; null: nothing
  HeldEvent held_;
};

}  // namespace headrace
