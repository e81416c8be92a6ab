#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>

#include "headrace/base/atomic.hpp"
#include "headrace/telemetry/counter.hpp"

namespace headrace {

/// Counters by number, counted from 0: one owner who adds, any number of readers. The first few lie inside this object,
/// the others in chunks, each twice the one before, which are made when they are first counted in and never move.
///
/// Ordering:  N1 -> N2  a reader sees a chunk of zeros, or of what was counted since
class NumberedCounters {
 public:
  static constexpr std::uint32_t kInside = 32;

  NumberedCounters() = default;
  ~NumberedCounters() {
    for (auto& chunk : chunks_) delete[] chunk.load(std::memory_order_relaxed);  // no partner: nobody else is left
  }
  NumberedCounters(const NumberedCounters&) = delete;
  NumberedCounters& operator=(const NumberedCounters&) = delete;

  /// Where there is no memory for a chunk, nothing is counted. @thread owner  @alloc a chunk, at its first use
  void add(std::uint32_t number, std::uint64_t amount = 1) noexcept {
    if (number < kInside) [[likely]]
      return inside_[number].add(amount);
    add_outside(number, amount);
  }
  /// @thread any  @progress wait-free
  [[nodiscard]] std::uint64_t value(std::uint32_t number) const noexcept {
    if (number < kInside) return inside_[number].value();
    const Slot slot(number);
    const SingleWriterCounter* chunk = chunks_[slot.chunk].load(std::memory_order_acquire);  // N2 <- N1
    return chunk == nullptr ? 0 : chunk[slot.index].value();
  }

 private:
  [[gnu::noinline]] void add_outside(std::uint32_t number, std::uint64_t amount) noexcept {
    const Slot slot(number);
    SingleWriterCounter* chunk = chunks_[slot.chunk].load(std::memory_order_relaxed);  // no partner: own store
    if (chunk == nullptr) {
      chunk = new (std::nothrow) SingleWriterCounter[std::size_t{kInside} << slot.chunk];
      if (chunk == nullptr) return;
      chunks_[slot.chunk].store(chunk, std::memory_order_release);  // N1 -> N2
    }
    chunk[slot.index].add(amount);
  }
  static constexpr std::size_t kChunks = 28;  // numbers below 2^32

  struct Slot {
    explicit Slot(std::uint32_t number) noexcept
        : chunk(static_cast<std::uint32_t>(std::bit_width(number / kInside)) - 1U),
          index(number - (kInside << chunk)) {}
    std::uint32_t chunk;
    std::uint32_t index;
  };

  std::array<SingleWriterCounter, kInside> inside_;             // writer: owner
  std::array<Atomic<SingleWriterCounter*>, kChunks> chunks_{};  // writer: owner
};

}  // namespace headrace
