#include "crc32c.hpp"

#include <array>

namespace headrace::sqlite {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected
constexpr std::size_t kSlices = 8;

using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

// tables[n][byte]: the remainder of a byte that is followed by n zero bytes, so that eight bytes take one step.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = rest & 1 ? rest >> 1 ^ kPolynomial : rest >> 1;
    tables[0][byte] = rest;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t rest = tables[slice - 1][byte];
      tables[slice][byte] = tables[0][rest & 0xff] ^ rest >> 8;
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

constexpr std::uint32_t word_at(const std::byte* bytes) noexcept {
  std::uint32_t word = 0;
  for (unsigned i = 0; i < 4; ++i) word |= static_cast<std::uint32_t>(bytes[i]) << 8 * i;
  return word;
}

}  // namespace

std::uint32_t crc32c(std::uint32_t before, std::span<const std::byte> bytes) noexcept {
  std::uint32_t rest = ~before;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= kSlices; left -= kSlices, at += kSlices) {
    const std::uint32_t low = word_at(at) ^ rest;
    const std::uint32_t high = word_at(at + 4);
    rest = kTables[7][low & 0xff] ^ kTables[6][low >> 8 & 0xff] ^ kTables[5][low >> 16 & 0xff] ^
           kTables[4][low >> 24] ^ kTables[3][high & 0xff] ^ kTables[2][high >> 8 & 0xff] ^
           kTables[1][high >> 16 & 0xff] ^ kTables[0][high >> 24];
  }
  for (; left > 0; --left, ++at) rest = kTables[0][(rest ^ static_cast<std::uint32_t>(*at)) & 0xff] ^ rest >> 8;
  return ~rest;
}

}  // namespace headrace::sqlite
