#pragma once

#include <cstddef>
#include <cstdint>

#include "headrace/base/atomic.hpp"

namespace headrace::model {

enum class PlantedBug { none, pushes_when_full, publishes_before_it_writes };

/// Lamport's ring with acquire and release: every order is needed but the one that justified.txt names.
template <std::size_t slots, PlantedBug bug = PlantedBug::none>
class TextbookRing {
 public:
  bool try_push(int value) noexcept {
    const auto tail = tail_.load(std::memory_order_acquire);  // no partner: own index
    const auto head = head_.load(std::memory_order_acquire);  // P2 <- C2
    if (bug != PlantedBug::pushes_when_full && tail - head == slots) return false;
    if (bug != PlantedBug::publishes_before_it_writes) cells_[tail % slots].construct(value);
    tail_.store(tail + 1, std::memory_order_release);  // P1 -> C1
    if (bug == PlantedBug::publishes_before_it_writes) cells_[tail % slots].construct(value);
    return true;
  }
  bool try_pop(int& value) noexcept {
    const auto head = head_.load(std::memory_order_relaxed);          // no partner: own index
    if (tail_.load(std::memory_order_acquire) == head) return false;  // C1 <- P1
    value = cells_[head % slots].get();
    cells_[head % slots].destroy();
    head_.store(head + 1, std::memory_order_release);  // C2 -> P2
    return true;
  }

 private:
  Atomic<std::uint64_t> tail_{0};
  Atomic<std::uint64_t> head_{0};
  Cell<int> cells_[slots];
};

}  // namespace headrace::model
