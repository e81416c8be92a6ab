#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace headrace {

/// Hashes for tables and shards that live in memory. Fast and even, not cryptographic, and the values differ
/// between byte orders: nothing may be stored by them.

/// A bijection in which every input bit moves every output bit: two rounds of xor-shift and odd multiplication
/// with the constants of Stafford's variant 13. Makes sequential and strided keys look random.
[[nodiscard]] constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9;
  x ^= x >> 27;
  x *= 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

namespace detail {
__extension__ using Uint128 = unsigned __int128;

/// Odd, half of the bits set: the fractions of the square roots of 2, 3 and 5.
inline constexpr std::uint64_t kRoot2 = 0x6a09e667f3bcc909;
inline constexpr std::uint64_t kRoot3 = 0xbb67ae8584caa73b;
inline constexpr std::uint64_t kRoot5 = 0x3c6ef372fe94f82b;

template <class Word>
[[nodiscard]] inline std::uint64_t load_word(const char* bytes) noexcept {
  Word word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}
}  // namespace detail

/// Both halves of the 128-bit product, folded. One multiplication mixes 16 bytes.
[[nodiscard]] constexpr std::uint64_t fold_multiply(std::uint64_t a, std::uint64_t b) noexcept {
  const detail::Uint128 product = static_cast<detail::Uint128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Reads 16 bytes a step; the last step overlaps the one before, so that no length needs a loop over bytes.
[[nodiscard]] inline std::uint64_t hash_bytes(std::string_view bytes) noexcept {
  using detail::load_word;
  const char* at = bytes.data();
  const std::size_t size = bytes.size();
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint64_t state = size ^ detail::kRoot2;

  if (size > 16) {
    for (const char* const last = at + size - 16; at < last; at += 16) {
      state =
          fold_multiply(load_word<std::uint64_t>(at) ^ detail::kRoot3, load_word<std::uint64_t>(at + 8) ^ state);
    }
    low = load_word<std::uint64_t>(bytes.data() + size - 16);
    high = load_word<std::uint64_t>(bytes.data() + size - 8);
  } else if (size >= 8) {
    low = load_word<std::uint64_t>(at);
    high = load_word<std::uint64_t>(at + size - 8);
  } else if (size >= 4) {
    low = load_word<std::uint32_t>(at);
    high = load_word<std::uint32_t>(at + size - 4);
  } else if (size > 0) {
    low = load_word<std::uint8_t>(at) | load_word<std::uint8_t>(at + size / 2) << 8 |
          load_word<std::uint8_t>(at + size - 1) << 16;
  }
  return fold_multiply(fold_multiply(low ^ detail::kRoot3, high ^ state), detail::kRoot5 ^ size);
}

}  // namespace headrace
