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
    const Memory free{std::align_val_t{ops.align}};
    std::unique_ptr<void, Memory> memory(::operator new(ops.size, free.align), free);
    ops.move(memory.get(), event);
    return own(std::move(memory), ops);
  }

  /// Shares an event that somebody else keeps alive through the pointer.
  [[nodiscard]] static HeldEvent adopt(std::shared_ptr<const void> event, const EventOps& ops) noexcept {
    return {std::move(event), ops};
  }

  /// What a dead letter keeps of it: the event itself, shared; of an AnsweredEvent what it makes for that.
  [[nodiscard]] HeldEvent for_letter() const {
    if (event_ == nullptr || ops_->answers == nullptr) return *this;
    const EventOps& ops = ops_->answers->letter_ops();
    const Memory free{std::align_val_t{ops.align}};
    std::unique_ptr<void, Memory> memory(::operator new(ops.size, free.align), free);
    ops_->answers->make_letter(event_.get(), memory.get());
    return own(std::move(memory), ops);
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
  struct Memory {
    std::align_val_t align;
    void operator()(void* memory) const noexcept { ::operator delete(memory, align); }
  };
  /// The memory holds a built event.
  static HeldEvent own(std::unique_ptr<void, Memory> memory, const EventOps& ops) {
    const Memory free = memory.get_deleter();
    const auto release = [&ops, free](const void* held) {
      void* const event = const_cast<void*>(held);
      ops.destroy(event, 1);
      free(event);
    };
    return {std::shared_ptr<const void>(static_cast<const void*>(memory.release()), release), ops};
  }
  HeldEvent(std::shared_ptr<const void> event, const EventOps& ops) noexcept
      : event_(std::move(event)), ops_(&ops) {}

  std::shared_ptr<const void> event_;
  const EventOps* ops_ = nullptr;
};

}  // namespace headrace
