#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace headrace::mqtt {

/// What came from a socket and was not taken yet. Bytes move only when the room behind them runs out.
class ReceiveBuffer {
 public:
  /// Room for at least so many bytes. What unread() and earlier packets showed is gone.
  [[nodiscard]] std::span<char> room(std::size_t bytes) {
    if (taken_ == end_) taken_ = end_ = 0;
    if (bytes_.size() - end_ < bytes && taken_ != 0) {
      std::memmove(bytes_.data(), bytes_.data() + taken_, end_ - taken_);
      end_ -= taken_;
      taken_ = 0;
    }
    if (bytes_.size() - end_ < bytes) bytes_.resize(end_ + bytes);
    return std::span(bytes_).subspan(end_);
  }
  /// So many bytes were written into the room.
  void came(std::size_t bytes) noexcept { end_ += bytes; }
  [[nodiscard]] std::string_view unread() const noexcept { return {bytes_.data() + taken_, end_ - taken_}; }
  void take(std::size_t bytes) noexcept { taken_ += bytes; }

 private:
  std::vector<char> bytes_;
  std::size_t taken_ = 0;
  std::size_t end_ = 0;
};

}  // namespace headrace::mqtt
