#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace headrace::wire {

/// Appends bytes; numbers in network order.
class ByteWriter {
 public:
  void byte(unsigned value) { out_.push_back(static_cast<std::byte>(value)); }
  template <class Number>
  void number(Number value) {
    if constexpr (std::is_floating_point_v<Number>) {
      using Bits = std::conditional_t<sizeof(Number) == 4, std::uint32_t, std::uint64_t>;
      number(std::bit_cast<Bits>(value));
    } else {
      const auto bits = static_cast<std::uint64_t>(value);
      for (std::size_t i = sizeof value; i-- > 0;) byte(static_cast<unsigned>(bits >> (8 * i) & 0xff));
    }
  }
  void bytes(std::span<const std::byte> run) { out_.insert(out_.end(), run.begin(), run.end()); }
  void text(std::string_view run) { bytes(std::as_bytes(std::span(run))); }
  [[nodiscard]] std::vector<std::byte> take() { return std::move(out_); }

 private:
  std::vector<std::byte> out_;
};

}  // namespace headrace::wire
