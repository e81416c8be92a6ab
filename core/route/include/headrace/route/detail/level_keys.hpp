#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

#include "headrace/base/hash.hpp"
#include "headrace/route/topic_name.hpp"

namespace headrace::detail {

static_assert(std::endian::native == std::endian::little, "levels are cut out of words, first byte lowest");

/// A level as the trie compares it: up to 16 bytes lie in two words, padded with zeros, and a hash of it all.
struct LevelKey {
  static constexpr std::size_t kInlineBytes = 16;
  std::uint64_t low;
  std::uint64_t high;
  std::uint64_t hash;
  const char* data;
  std::size_t size;

  [[nodiscard]] std::string_view text() const noexcept { return {data, size}; }
  /// What does not fit into the words.
  [[nodiscard]] std::string_view tail() const noexcept { return text().substr(std::min(size, kInlineBytes)); }
};

/// The levels of one topic, cut without a branch on their sizes: those differ from level to level, and a
/// mispredicted branch costs more than all the arithmetic here. Lives on the stack of a match.
class LevelKeys {
 public:
  static constexpr std::size_t kLevelsMax = kTopicBytesMax / 2 + 1;

  /// False when the text is no topic name by its size or its number of levels.
  [[nodiscard]] bool cut(std::string_view topic) noexcept {
    count_ = 0;
    if (topic.size() > kTopicBytesMax) return false;
    const Words words{topic};
    const std::uint64_t separator = 0x0101010101010101u * static_cast<unsigned char>(level_separator(topic));
    std::size_t start = 0;
    for (std::size_t at = 0; at < topic.size(); at += 8) {
      for (std::uint64_t bits = zero_bytes(words.eight_at(at) ^ separator); bits != 0; bits &= bits - 1) {
        const std::size_t end = at + static_cast<std::size_t>(std::countr_zero(bits)) / 8;
        if (end >= topic.size() || !add(words, start, end)) return false;
        start = end + 1;
      }
    }
    return add(words, start, topic.size());
  }

  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] const LevelKey& operator[](std::size_t i) const noexcept { return keys_[i]; }

 private:
  /// Reads words anywhere in a text without reading past its end: what lies behind it reads as zeros.
  class Words {
   public:
    explicit Words(std::string_view text) noexcept : text_(text) {
      if (text.size() < 16) {
        std::memcpy(padded_, text.data(), text.size());
        last_start_ = 0;
        last_ = padded_;
      } else {
        last_start_ = text.size() - 16;
        last_ = text.data() + last_start_;
      }
    }
    [[nodiscard]] Uint128 sixteen_at(std::size_t at) const noexcept {
      const std::size_t from = std::min(at, last_start_);
      return load(from) >> (8 * (at - from));
    }
    [[nodiscard]] std::uint64_t eight_at(std::size_t at) const noexcept {
      return static_cast<std::uint64_t>(sixteen_at(at));
    }
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

   private:
    [[nodiscard]] Uint128 load(std::size_t from) const noexcept {
      const char* at = last_ - last_start_ + from;
      return static_cast<Uint128>(load_word<std::uint64_t>(at + 8)) << 64 | load_word<std::uint64_t>(at);
    }
    std::string_view text_;
    std::size_t last_start_;
    const char* last_;
    char padded_[16] = {};
  };

  /// 0x80 in each byte that is zero, exactly: no carry crosses a byte.
  [[nodiscard]] static std::uint64_t zero_bytes(std::uint64_t word) noexcept {
    constexpr std::uint64_t kLow7 = 0x7f7f7f7f7f7f7f7f;
    return ~(((word & kLow7) + kLow7) | word | kLow7);
  }

  [[nodiscard]] bool add(const Words& words, std::size_t start, std::size_t end) noexcept {
    if (count_ == kLevelsMax) return false;
    const std::size_t size = end - start;
    LevelKey& key = keys_[count_++];
    key.data = words.text().data() + start;
    key.size = size;
    if (size == 0) {
      key.low = key.high = 0;
    } else {
      const std::size_t unused = LevelKey::kInlineBytes - std::min(size, LevelKey::kInlineBytes);
      const Uint128 word = words.sixteen_at(start) & (~Uint128{0} >> (8 * unused));
      key.low = static_cast<std::uint64_t>(word);
      key.high = static_cast<std::uint64_t>(word >> 64);
    }
    key.hash = size <= LevelKey::kInlineBytes ? fold_multiply(key.low ^ kRoot3, key.high ^ kRoot2 ^ size)
                                              : hash_bytes(key.text());
    return true;
  }

  std::uint32_t count_;
  std::array<LevelKey, kLevelsMax> keys_;
};

}  // namespace headrace::detail
