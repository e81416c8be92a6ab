#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace headrace::sqlite {

/// CRC-32C (Castagnoli) over several pieces: start with 0, pass the result on. The same on every machine.
[[nodiscard]] std::uint32_t crc32c(std::uint32_t before, std::span<const std::byte> bytes) noexcept;

}  // namespace headrace::sqlite
