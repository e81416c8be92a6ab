#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "headrace/base/cache_line.hpp"
#include "headrace/base/hints.hpp"
#include "headrace/base/pages.hpp"

namespace headrace {

/// Where the bytes of a Lane lie: positions grow for ever, the memory repeats every capacity_bytes. A frame's header
/// word lives among the payload bytes, so words are reached by atomic_ref and payload by address. Copied, it stays in
/// registers while events are stored, which might change it otherwise for all that a compiler knows.
class LaneBytes {
 public:
  using Address = std::byte*;

  LaneBytes(std::byte* bytes, std::size_t capacity_bytes) noexcept : bytes_(bytes), mask_(capacity_bytes - 1) {}

  [[nodiscard]] std::uint64_t load_word(std::uint64_t at, std::memory_order order) const noexcept {
    return std::atomic_ref(*word(at)).load(order);  // no partner: forwards, the caller's order carries the label
  }
  void store_word(std::uint64_t at, std::uint64_t value, std::memory_order order) const noexcept {
    std::atomic_ref(*word(at)).store(value, order);  // no partner: forwards, the caller's order carries the label
  }
  /// A word that only a later header's commit publishes.
  [[nodiscard]] std::uint64_t get_plain(std::uint64_t at) const noexcept { return *word(at); }
  void set_plain(std::uint64_t at, std::uint64_t value) const noexcept { *word(at) = value; }

  [[nodiscard]] Address payload(std::uint64_t at) const noexcept { return bytes_ + (at & mask_); }
  /// What was written up to `end_at` is likely to be followed by as much: the line that will be needed then. It lies in
  /// the consumer's cache; asked for so far ahead it is here in time, and many are on their way at once.
  [[nodiscard]] Address place_to_ask_for(std::uint64_t end_at) const noexcept {
    return payload(end_at + kAskAheadBytes);
  }
  /// `bytes` were written up to `end_at`.
  [[gnu::always_inline]] void ask_beyond(std::uint64_t end_at, std::uint64_t bytes) const noexcept {
    prefetch_for_write(place_to_ask_for(end_at));
    if (bytes > kCacheLineBytes) [[unlikely]]
      ask_for_batch(end_at, bytes);
  }
  /// The other lines that more than one line's bytes make likely.
  [[gnu::noinline]] void ask_for_batch(std::uint64_t end_at, std::uint64_t bytes) const noexcept {
    if (bytes > kBatchBytesMax) return;
    const std::uint64_t until = end_at + std::max(bytes, kAskAheadBytes);
    for (std::uint64_t at = until - bytes; at < until; at += kCacheLineBytes) prefetch_for_write(payload(at));
  }
  /// The same where each event has a header of its own. An event of a line, or one whose alignment leaves a gap, makes
  /// a step of up to two lines: asked for by its end alone, every eighth line or second one would not be, and the
  /// producer would wait for it.
  template <std::uint32_t bytes, std::uint32_t align_bytes>
  [[gnu::always_inline]] void ask_beyond_alone(std::uint64_t end_at) const noexcept {
    constexpr std::uint32_t kHeaderBytes = align_bytes < 8 ? 8 : align_bytes;
    ask_beyond(end_at, bytes);
    if constexpr (bytes <= kCacheLineBytes && bytes + kHeaderBytes > kCacheLineBytes)
      prefetch_for_write(payload(end_at + kAskAheadBytes - kCacheLineBytes));
  }

 private:
  static constexpr std::uint64_t kAskAheadBytes = 2048;
  static constexpr std::uint64_t kBatchBytesMax = 4096;  ///< more are too many at once

  [[nodiscard]] std::uint64_t* word(std::uint64_t at) const noexcept {
    return reinterpret_cast<std::uint64_t*>(bytes_ + (at & mask_));
  }

  std::byte* bytes_;
  std::uint64_t mask_;
};

/// The pages of a Lane.
class LaneMemory {
 public:
  using Bytes = LaneBytes;
  using Address = LaneBytes::Address;
  static constexpr std::size_t kCapacityBytesMin = 1024;

  static void store_word_at(Address word, std::uint64_t value, std::memory_order order) noexcept {
    // no partner: forwards, the caller's order carries the label
    std::atomic_ref(*reinterpret_cast<std::uint64_t*>(word)).store(value, order);
  }
  /// A hint.
  static void ask_for(Address place) noexcept { prefetch_for_write(place); }

  /// Throws std::bad_alloc, as any other allocation.
  explicit LaneMemory(std::size_t capacity_bytes) : pages_(allocate(capacity_bytes)), capacity_(capacity_bytes) {}

  [[nodiscard]] LaneBytes bytes() noexcept { return {pages_.data(), capacity_}; }

 private:
  static Pages allocate(std::size_t bytes) {
    Result<Pages> pages = Pages::allocate(bytes);
    if (!pages) throw std::bad_alloc();
    return *std::move(pages);
  }

  Pages pages_;
  std::size_t capacity_;
};

}  // namespace headrace
