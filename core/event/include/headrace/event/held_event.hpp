#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "headrace/event/event_traits.hpp"

namespace headrace {

/// One event of any type, kept after its place in a lane is gone. Copies of the holder share the event: events are
/// facts and do not change, so that a dead letter can be shown, listed and run again without a copy, move-only
/// events too.
/// Threads:   as std::shared_ptr: different holders of one event may be used by different threads.
/// Allocates: when made; never when copied or moved.
class HeldEvent {
 public:
  HeldEvent() = default;

  template <class T>
  requires Event<std::remove_cvref_t<T>>
  [[nodiscard]] static HeldEvent of(T&& event) {
    using Value = std::remove_cvref_t<T>;
    return {std::make_shared<const Value>(std::forward<T>(event)), event_ops<Value>()};
  }
  /// Takes the event out of the place where it stands; what is left there stays to be destroyed by its owner.
  [[nodiscard]] static HeldEvent move_from(const EventOps& ops, void* event) {
    if (ops.trivially_copyable && ops.align <= alignof(std::max_align_t)) {  // nothing to destroy: one allocation
      constexpr std::size_t kUnit = sizeof(std::max_align_t);
      auto memory = std::make_shared_for_overwrite<std::max_align_t[]>((ops.size + kUnit - 1) / kUnit);
      ops.move(memory.get(), event);
      const void* const held = memory.get();
      return {std::shared_ptr<const void>(std::move(memory), held), ops};
    }
    const auto align = std::align_val_t{ops.align};
    void* const place = ::operator new(ops.size, align);
    ops.move(place, event);
    const auto release = [&ops, align](const void* held) {
      void* const memory = const_cast<void*>(held);
      ops.destroy(memory, 1);
      ::operator delete(memory, align);
    };
    return {std::shared_ptr<const void>(static_cast<const void*>(place), release), ops};
  }

  /// Shares an event that somebody else keeps alive through the pointer.
  [[nodiscard]] static HeldEvent adopt(std::shared_ptr<const void> event, const EventOps& ops) noexcept {
    return {std::move(event), ops};
  }

  [[nodiscard]] bool has_value() const noexcept { return event_ != nullptr; }
  explicit operator bool() const noexcept { return has_value(); }

  [[nodiscard]] const void* data() const noexcept { return event_.get(); }
  /// Null while nothing is held.
  [[nodiscard]] const EventOps* ops() const noexcept { return ops_; }
  /// The event, if it is a T; else null.
  template <class T>
  [[nodiscard]] const T* as() const noexcept {
    return event_ != nullptr && ops_->type == event_type_id<T>() ? static_cast<const T*>(event_.get()) : nullptr;
  }

 private:
  HeldEvent(std::shared_ptr<const void> event, const EventOps& ops) noexcept
      : event_(std::move(event)), ops_(&ops) {}

  std::shared_ptr<const void> event_;
  const EventOps* ops_ = nullptr;
};

}  // namespace headrace
