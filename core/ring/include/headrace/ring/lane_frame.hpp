#pragma once

#include <cstdint>

#include "headrace/base/atomic.hpp"
#include "headrace/ring/frame_word.hpp"

namespace headrace {

/// A run of built events at a Lane's consumer. Addresses hold until it is consumed.
struct LaneFrame {
  FrameKind kind;
  std::uint32_t count = 0;
  bool stamped = false;     ///< whether `stamp` was taken when this run's first event was published
  std::uint64_t stamp = 0;  ///< whatever the producer gave to claim()
  std::uint64_t first_at = 0;
  bool is_open = false;  ///< more events may join it
};

/// Room for more events in the open frame; true if there is. It holds whatever is needed to publish them: what the
/// lane knows would have to be read again once they are built, since they might have been written over it for all
/// that a compiler knows.
template <class Address>
struct LaneExtension {
  Address place = nullptr;
  Address header_place = nullptr;
  Address place_to_ask_for = nullptr;
  std::uint64_t end_at = 0;  ///< where these events end
  std::uint64_t bytes = 0;   ///< how many they take
  FrameWord header{0};       ///< counts them too
  explicit operator bool() const noexcept { return header.bits() != 0; }
};

/// Room for one event in a frame of its own; true if there is.
template <class Address>
struct LaneAlone {
  Address place = nullptr;
  std::uint64_t header_at = 0;
  std::uint64_t end_at = 0;  ///< where the next header goes
  explicit operator bool() const noexcept { return end_at != 0; }
};

enum class LaneRun {
  open,    ///< later events of the same kind may join the frame: best while events stream
  closed,  ///< the frame is complete: its header and events share lines, best while events are rare
};

/// The most that the events of one frame may take. Bytes go back to the producer in steps of as many.
[[nodiscard]] constexpr std::uint64_t lane_frame_bytes_max(std::uint64_t capacity_bytes) noexcept {
  return capacity_bytes / 8;
}
/// Where the next header may stand.
[[nodiscard]] constexpr std::uint64_t lane_up_to_word(std::uint64_t at) noexcept {
  return (at + 7) & ~std::uint64_t{7};
}
/// Where the events of a frame without a stamp start.
[[nodiscard]] constexpr std::uint64_t lane_payload_at(std::uint64_t header_at,
                                                      std::uint64_t align_bytes) noexcept {
  if (align_bytes <= 8) return header_at + 8;
  return (header_at + 8 + align_bytes - 1) & ~(align_bytes - 1);
}

/// Written by the producer, read by anyone: a load and a store, no read-modify-write.
class LaneEventCounter {
 public:
  void add(std::uint64_t amount) noexcept {
    count_.store(value() + amount, std::memory_order_relaxed);  // no partner: orders nothing
  }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return count_.load(std::memory_order_relaxed);  // no partner: orders nothing
  }

 private:
  Atomic<std::uint64_t> count_{0};
};

}  // namespace headrace
