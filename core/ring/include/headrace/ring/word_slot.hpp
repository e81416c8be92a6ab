#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include "headrace/base/atomic.hpp"

namespace headrace {

/// How an event lies in a slot that several consumers may read while one of them claims it.
///
/// Such a slot consists of atomic words, so that a reader who loses the claim has read stale words and not raced.
/// A trivially copyable T is its own words. Any other T is boxed, and the slot is the pointer: whoever wins the
/// claim owns the box, and nobody else has touched the T.
template <class T, bool inline_words = std::is_trivially_copyable_v<T>>
class WordSlot {
 public:
  static constexpr bool kBoxed = false;
  static constexpr std::size_t kWords = (sizeof(T) + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t);
  using Words = std::array<std::uint64_t, kWords>;

  template <class... Args>
  static void write(Atomic<std::uint64_t>* slot, Args&&... args) {
    const T event(std::forward<Args>(args)...);
    Words words{};
    std::memcpy(words.data(), &event, sizeof(T));
    for (std::size_t i = 0; i < kWords; ++i) {
      slot[i].store(words[i], std::memory_order_relaxed);  // no partner: P1 publishes the words
    }
  }

  [[nodiscard]] static Words read(const Atomic<std::uint64_t>* slot) noexcept {
    Words words;
    for (std::size_t i = 0; i < kWords; ++i) {
      words[i] = slot[i].load(std::memory_order_relaxed);  // no partner: C1 ordered it, C2 validates it
    }
    return words;
  }

  [[nodiscard]] static T open(const Words& words) noexcept {
    alignas(T) std::array<std::byte, sizeof(T)> bytes;
    std::memcpy(bytes.data(), words.data(), sizeof(T));
    return std::bit_cast<T>(bytes);
  }
};

template <class T>
class WordSlot<T, false> {
 public:
  static constexpr bool kBoxed = true;
  static constexpr std::size_t kWords = 1;
  using Words = std::uint64_t;

  template <class... Args>
  static void write(Atomic<std::uint64_t>* slot, Args&&... args) {
    const T* box = new T(std::forward<Args>(args)...);
    slot->store(reinterpret_cast<std::uintptr_t>(box), std::memory_order_relaxed);  // no partner: P1 publishes it
  }

  [[nodiscard]] static Words read(const Atomic<std::uint64_t>* slot) noexcept {
    return slot->load(std::memory_order_relaxed);  // no partner: C1 ordered it, C2 validates it
  }

  [[nodiscard]] static T open(Words words) noexcept {
    const std::unique_ptr<T> box{reinterpret_cast<T*>(static_cast<std::uintptr_t>(words))};
    return std::move(*box);
  }
};

}  // namespace headrace
