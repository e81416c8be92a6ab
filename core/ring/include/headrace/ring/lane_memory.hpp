#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "headrace/base/hints.hpp"
#include "headrace/base/pages.hpp"

namespace headrace {

/// The bytes of a Lane: positions grow for ever, the memory repeats every capacity_bytes. A frame's header word
/// lives among the payload bytes, so words are reached by atomic_ref and payload by address.
class LaneMemory {
 public:
  using Address = std::byte*;
  static constexpr std::size_t kCapacityBytesMin = 1024;

  /// Throws std::bad_alloc, as any other allocation.
  explicit LaneMemory(std::size_t capacity_bytes)
      : pages_(allocate(capacity_bytes)), bytes_(pages_.data()), mask_(capacity_bytes - 1) {}

  [[nodiscard]] std::uint64_t load_word(std::uint64_t at, std::memory_order order) const noexcept {
    return std::atomic_ref(*word(at)).load(order);  // no partner: forwards, the caller's order carries the label
  }
  void store_word(std::uint64_t at, std::uint64_t value, std::memory_order order) noexcept {
    std::atomic_ref(*word(at)).store(value, order);  // no partner: forwards, the caller's order carries the label
  }
  /// A word that only a later header's commit publishes.
  [[nodiscard]] std::uint64_t get_plain(std::uint64_t at) const noexcept { return *word(at); }
  void set_plain(std::uint64_t at, std::uint64_t value) noexcept { *word(at) = value; }

  [[nodiscard]] Address payload(std::uint64_t at) noexcept { return bytes_ + (at & mask_); }
  /// The line there will be written soon: a hint.
  void ask_for(std::uint64_t at) noexcept { prefetch_for_write(bytes_ + (at & mask_)); }

 private:
  static Pages allocate(std::size_t bytes) {
    Result<Pages> pages = Pages::allocate(bytes);
    if (!pages) throw std::bad_alloc();
    return *std::move(pages);
  }
  [[nodiscard]] std::uint64_t* word(std::uint64_t at) const noexcept {
    return reinterpret_cast<std::uint64_t*>(bytes_ + (at & mask_));
  }

  Pages pages_;
  std::byte* bytes_;
  std::uint64_t mask_;
};

}  // namespace headrace
