#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "headrace/base/atomic.hpp"
#include "headrace/base/cache_line.hpp"
#include "headrace/base/event_count.hpp"

namespace headrace {

/// How publishers call a worker's attention to lanes that it stopped polling, and wake it. Rung once a doze, so
/// its read-modify-writes are off the way of an event.
///
/// Ordering:  B1 -> B2, B3 -> B4  the worker sees the bits behind a summary bit, and the frames behind a bit
class Doorbell {
 public:
  explicit Doorbell(std::size_t lanes) : words_((lanes + 63) / 64) {}

  /// @thread publisher
  void ring(std::uint32_t lane) noexcept {
    words_[lane / 64].bits.fetch_or(std::uint64_t{1} << lane % 64, std::memory_order_release);  // B3 -> B4
    summary_.fetch_or(std::uint64_t{1} << lane / 64 % 64, std::memory_order_release);           // B1 -> B2
    sleepers_.notify();
  }
  /// Wakes the worker without a lane: look around. @thread any
  void wake() noexcept { sleepers_.notify(); }

  /// @thread worker
  [[nodiscard]] bool was_rung() const noexcept {
    return summary_.load(std::memory_order_relaxed) != 0;  // no partner: answer() takes the bits
  }
  /// Calls open(lane) for each lane that was rung for.
  template <class Open>
  void answer(Open&& open) {
    std::uint64_t summary = summary_.exchange(0, std::memory_order_acquire);  // B2 <- B1
    for (; summary != 0; summary &= summary - 1) {
      for (std::size_t word = static_cast<std::size_t>(std::countr_zero(summary)); word < words_.size();
           word += 64) {
        std::uint64_t bits = words_[word].bits.exchange(0, std::memory_order_acquire);  // B4 <- B3
        for (; bits != 0; bits &= bits - 1) {
          open(static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits))));
        }
      }
    }
  }
  [[nodiscard]] EventCount& sleepers() noexcept { return sleepers_; }

 private:
  struct Word {
    Atomic<std::uint64_t> bits{0};
  };
  std::vector<Word> words_;
  // Written by publishers that ring, cleared by the worker.
  alignas(kNoSharingBytes) Atomic<std::uint64_t> summary_{0};
  EventCount sleepers_;
};

}  // namespace headrace
