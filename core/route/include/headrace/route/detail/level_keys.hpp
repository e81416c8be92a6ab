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

/// Reads words anywhere in a text, and never a byte outside of it.
class TextWords {
 public:
  explicit TextWords(std::string_view text) noexcept : text_(text), base_(text.data()) {
    if (text.size() >= 8) return;
    text.copy(padded_, text.size());
    base_ = padded_;
  }
  TextWords(const TextWords&) = delete;
  TextWords& operator=(const TextWords&) = delete;

  [[nodiscard]] std::string_view text() const noexcept { return text_; }

  /// The bytes of [start, end), 1 to 8 of them, the first one lowest. Read as a word that ends with them, so that
  /// the shift which drops what lies before also clears what lies behind.
  [[nodiscard]] std::uint64_t between(std::size_t start, std::size_t end) const noexcept {
    const std::size_t read_end = std::max<std::size_t>(end, 8);
    const std::uint64_t word = load_word<std::uint64_t>(base_ + read_end - 8) << (8 * (read_end - end));
    return word >> (8 * (8 - (end - start)));
  }

  /// A bit for each of the 64 bytes at `offset` that is this one.
  [[nodiscard]] std::uint64_t find(char byte, std::size_t offset) const noexcept {
    const std::uint64_t pattern = 0x0101010101010101u * static_cast<unsigned char>(byte);
    const std::size_t bytes = std::min<std::size_t>(text_.size() - offset, 64);
    std::uint64_t found = 0;
    std::size_t i = 0;
    for (; i + 8 <= bytes; i += 8) {
      found |= gather(zero_bytes(load_word<std::uint64_t>(base_ + offset + i) ^ pattern)) << i;
    }
    if (i < bytes) found |= gather(zero_bytes(between(offset + i, offset + bytes) ^ pattern)) << i;
    return found;
  }

 private:
  /// 0x80 in each byte that is zero, exactly: no carry crosses a byte.
  [[nodiscard]] static std::uint64_t zero_bytes(std::uint64_t word) noexcept {
    constexpr std::uint64_t kLow7 = 0x7f7f7f7f7f7f7f7f;
    return ~(((word & kLow7) + kLow7) | word | kLow7);
  }
  /// The highest bits of the bytes, side by side: the factor moves bit 8i to bit 56 + i, and no two sums meet.
  [[nodiscard]] static std::uint64_t gather(std::uint64_t bits) noexcept {
    return ((bits >> 7) * 0x0102040810204080u) >> 56;
  }

  std::string_view text_;
  const char* base_;
  char padded_[8] = {};
};

/// The levels of one topic, cut without a branch on their sizes up to 8 bytes: those differ from level to level,
/// and a mispredicted branch costs more than all the arithmetic here. Lives on the stack of a match.
class LevelKeys {
 public:
  static constexpr std::size_t kLevelsMax = kTopicBytesMax / 2 + 1;

  /// False when the text is no topic name by its size or its number of levels.
  [[nodiscard]] bool cut(std::string_view topic) noexcept {
    if (topic.size() > kTopicBytesMax) return false;
    const TextWords words{topic};
    char separator = '/';
    std::uint64_t bits = words.find(separator, 0);
    if (bits == 0 && level_separator(topic.substr(std::min<std::size_t>(topic.size(), 64))) != separator) {
      separator = '.';
      bits = words.find(separator, 0);
    }
    std::uint32_t count = 0;
    std::size_t start = 0;
    for (std::size_t at = 0;;) {
      for (; bits != 0; bits &= bits - 1) {
        const std::size_t end = at + static_cast<std::size_t>(std::countr_zero(bits));
        if (count == kLevelsMax) return false;
        set(keys_[count++], words, start, end);
        start = end + 1;
      }
      at += 64;
      if (at >= topic.size()) break;
      bits = words.find(separator, at);
    }
    if (count == kLevelsMax) return false;
    set(keys_[count++], words, start, topic.size());
    count_ = count;
    return true;
  }

  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] const LevelKey& operator[](std::size_t i) const noexcept { return keys_[i]; }

 private:
  static void set(LevelKey& key, const TextWords& words, std::size_t start, std::size_t end) noexcept {
    const std::size_t size = end - start;
    key.data = words.text().data() + start;
    key.size = size;
    if (size - 1 < 8) [[likely]] {
      key.low = words.between(start, end);
      key.high = 0;
    } else if (size == 0) {
      key.low = key.high = 0;
    } else {
      key.low = words.between(start, start + 8);
      key.high = words.between(start + 8, std::min(end, start + LevelKey::kInlineBytes));
    }
    key.hash = size <= LevelKey::kInlineBytes ? fold_multiply(key.low ^ kRoot3, key.high ^ kRoot2 ^ size)
                                              : hash_bytes(key.text());
  }

  std::uint32_t count_ = 0;
  std::array<LevelKey, kLevelsMax> keys_;
};

}  // namespace headrace::detail
