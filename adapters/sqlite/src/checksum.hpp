#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "headrace/base/hash.hpp"

namespace headrace::sqlite {

/// A 64-bit checksum against damage, not against malice. The same on every machine: words are read as
/// little-endian. What is added twice, or in another order, gives another sum. (A CRC in software takes five times
/// as long, and every read pays for it.)
class Checksum {
 public:
  void add(std::uint64_t number) noexcept { sum_ = fold_multiply(sum_ ^ kSpread, number ^ kOther) + kStep; }
  void add(std::span<const std::byte> bytes) noexcept {
    add(bytes.size());
    const std::byte* at = bytes.data();
    std::size_t left = bytes.size();
    for (; left >= sizeof(std::uint64_t); left -= sizeof(std::uint64_t), at += sizeof(std::uint64_t)) {
      add(word(at, sizeof(std::uint64_t)));
    }
    if (left > 0) add(word(at, left));
  }
  [[nodiscard]] std::int64_t value() const noexcept { return static_cast<std::int64_t>(mix64(sum_)); }

 private:
  static constexpr std::uint64_t kSpread = 0x9ddfea08eb382d69;
  static constexpr std::uint64_t kOther = 0xc2b2ae3d27d4eb4f;
  static constexpr std::uint64_t kStep = 0x165667b19e3779f9;

  static std::uint64_t word(const std::byte* bytes, std::size_t size) noexcept {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes, size);
    if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap64(value);
    return value;
  }
  std::uint64_t sum_ = 0;
};

}  // namespace headrace::sqlite
