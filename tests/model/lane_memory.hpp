#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "relacy_atomics.hpp"

namespace headrace::model {

/// A BasicLane's Memory in words that are atomic as headers and plain as payload, as the real bytes are: a plain
/// access conflicts with an unordered atomic one, and a header may be read where a payload was left behind.
class LaneMemory {
 public:
  /// Where events lie. In the model all are whole words.
  class Address {
   public:
    Address(std::nullptr_t) noexcept {}
    Address(LaneMemory& memory, std::uint64_t at) noexcept : memory_(&memory), at_(at) {}
    explicit operator bool() const noexcept { return memory_ != nullptr; }
    [[nodiscard]] std::uint64_t read(std::uint64_t word) const noexcept {
      return memory_->get_plain(at_ + 8 * word);
    }
    void write(std::uint64_t word, std::uint64_t value) const noexcept {
      memory_->set_plain(at_ + 8 * word, value);
    }

   private:
    friend class LaneMemory;
    LaneMemory* memory_ = nullptr;
    std::uint64_t at_ = 0;
  };
  using Bytes = LaneMemory&;
  static constexpr std::size_t kCapacityBytesMin = 64;

  explicit LaneMemory(std::size_t capacity_bytes)
      : words_(std::make_unique<Word[]>(capacity_bytes / 8)), mask_(capacity_bytes - 1) {}

  [[nodiscard]] LaneMemory& bytes() noexcept { return *this; }

  [[nodiscard]] std::uint64_t load_word(std::uint64_t at, std::memory_order order,
                                        Where where = Where::current()) const noexcept {
    const Word& here = word(at);
    const std::uint64_t value = here.bits.load(order, where);
    will_read(&here.written, where);
    return value;
  }
  void store_word(std::uint64_t at, std::uint64_t value, std::memory_order order,
                  Where where = Where::current()) noexcept {
    Word& here = word(at);
    will_read(&here.written, where);
    will_write(&here.stored, where);
    here.bits.store(value, order, where);
  }
  [[nodiscard]] std::uint64_t get_plain(std::uint64_t at, Where where = Where::current()) const noexcept {
    const Word& here = word(at);
    will_read(&here.written, where);
    will_read(&here.stored, where);
    return here.bits.load(std::memory_order_relaxed);
  }
  void set_plain(std::uint64_t at, std::uint64_t value, Where where = Where::current()) noexcept {
    Word& here = word(at);
    will_write(&here.written, where);
    here.bits.store(value, std::memory_order_relaxed);
  }

  [[nodiscard]] Address payload(std::uint64_t at) noexcept { return {*this, at}; }
  static void store_word_at(const Address& word, std::uint64_t value, std::memory_order order,
                            Where where = Where::current()) noexcept {
    word.memory_->store_word(word.at_, value, order, where);
  }
  [[nodiscard]] Address place_to_ask_for(std::uint64_t) noexcept { return nullptr; }
  static void ask_for(const Address&) noexcept {}
  void ask_for_batch(std::uint64_t, std::uint64_t) noexcept {}
  void ask_beyond(std::uint64_t, std::uint64_t) noexcept {}
  template <std::uint32_t, std::uint32_t>
  void ask_beyond_alone(std::uint64_t) noexcept {}

 private:
  struct Word {
    Word() noexcept {
      will_write(&written);
      will_write(&stored);
    }
    Atomic<std::uint64_t> bits{0};
    // Stand for two kinds of access. Written by plain writes, and read by all others:
    char written = 0;
    // Written by atomic stores, and read by plain reads:
    alignas(8) char stored = 0;
  };
  [[nodiscard]] Word& word(std::uint64_t at) const noexcept { return words_[(at & mask_) / 8]; }

  std::unique_ptr<Word[]> words_;
  std::uint64_t mask_;
};

}  // namespace headrace::model
