#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "headrace/route/detail/pool.hpp"

namespace headrace::detail {

/// Text too long to lie in the record that it belongs to: chained pieces of a cache line each.
class TextPool {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  /// The handle of a copy; kNone for no text.
  [[nodiscard]] std::uint32_t store(std::string_view text) {
    std::uint32_t next = kNone;
    for (std::size_t left = text.size(); left > 0;) {
      const std::size_t bytes = (left - 1) % kPieceBytes + 1;  // from the end, so that only the last is not full
      left -= bytes;
      Piece piece{{}, next};
      std::memcpy(piece.bytes.data(), text.data() + left, bytes);
      next = pieces_.add(piece);
    }
    return next;
  }

  /// Whether the stored text, known to have as many bytes, is this one.
  [[nodiscard]] bool equals(std::uint32_t handle, std::string_view text) const noexcept {
    while (!text.empty()) {
      const Piece& piece = pieces_[handle];
      const std::size_t bytes = std::min(text.size(), kPieceBytes);
      if (std::memcmp(piece.bytes.data(), text.data(), bytes) != 0) return false;
      text.remove_prefix(bytes);
      handle = piece.next;
    }
    return true;
  }

  void release(std::uint32_t handle) {
    while (handle != kNone) {
      pieces_.release(handle);
      handle = pieces_[handle].next;
    }
  }

 private:
  static constexpr std::size_t kPieceBytes = 60;
  struct Piece {
    std::array<char, kPieceBytes> bytes;
    std::uint32_t next;
  };
  Pool<Piece> pieces_;
};

}  // namespace headrace::detail
