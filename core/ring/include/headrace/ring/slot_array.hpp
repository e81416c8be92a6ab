#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "headrace/base/cache_line.hpp"

namespace headrace {

/// A fixed array of value-initialised slots, aligned so that no neighbour on the heap shares its lines.
/// A slot type that is a Cell gets raw storage: nothing is written, so no page is touched.
template <class Slot>
class SlotArray {
 public:
  SlotArray() = default;
  explicit SlotArray(std::size_t count)
      : slots_(static_cast<Slot*>(::operator new (count * sizeof(Slot), std::align_val_t{kNoSharingBytes}))),
        count_(count) {
    std::uninitialized_value_construct_n(slots_, count);
  }
  ~SlotArray() {
    std::destroy_n(slots_, count_);
    ::operator delete (slots_, std::align_val_t{kNoSharingBytes});
  }
  SlotArray(SlotArray&& other) noexcept
      : slots_(std::exchange(other.slots_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  SlotArray& operator=(SlotArray&& other) noexcept {
    std::swap(slots_, other.slots_);
    std::swap(count_, other.count_);
    return *this;
  }

  [[nodiscard]] Slot* data() const noexcept { return slots_; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }

 private:
  Slot* slots_ = nullptr;
  std::size_t count_ = 0;
};

}  // namespace headrace
