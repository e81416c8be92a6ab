#pragma once

#include <bit>
#include <cstdint>

namespace headrace {

/// What a frame's events have in common: the tag that the consumer dispatches by, the distance between events, and
/// their alignment. Two events may share a frame when their kinds are equal.
class FrameKind {
 public:
  static constexpr std::uint32_t kTagMax = (1U << 22) - 1;
  static constexpr std::uint32_t kStrideMax = (1U << 20) - 1;
  static constexpr std::uint32_t kAlignMax = 64;

  FrameKind() = default;
  /// @param tag  at most kTagMax  @param stride_bytes  1 to kStrideMax, sizeof the event
  /// @param align_bytes  a power of two up to kAlignMax
  constexpr FrameKind(std::uint32_t tag, std::uint32_t stride_bytes, std::uint32_t align_bytes) noexcept
      : word_(std::uint64_t{tag} << kTagShift | std::uint64_t{stride_bytes} << kStrideShift |
              (align_bytes <= 8 ? 0 : std::uint64_t(std::countr_zero(align_bytes) - 3) << kAlignShift)) {}

  [[nodiscard]] constexpr std::uint32_t tag() const noexcept {
    return static_cast<std::uint32_t>(word_ >> kTagShift);
  }
  [[nodiscard]] constexpr std::uint32_t stride_bytes() const noexcept {
    return static_cast<std::uint32_t>(word_ >> kStrideShift) & kStrideMax;
  }
  [[nodiscard]] constexpr std::uint32_t align_bytes() const noexcept {
    return 8U << ((word_ >> kAlignShift) & 3U);
  }
  friend constexpr bool operator==(FrameKind, FrameKind) = default;

  /// The same with a tag that many higher, which must not exceed kTagMax.
  [[nodiscard]] constexpr FrameKind tags_ahead(std::uint32_t tags) const noexcept {
    FrameKind kind;
    kind.word_ = word_ + (std::uint64_t{tags} << kTagShift);
    return kind;
  }

  /// The kind as a word whose low kSpareBits are zero: room for a note beside it.
  static constexpr int kSpareBits = 20;
  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return word_; }
  [[nodiscard]] static constexpr FrameKind from_bits(std::uint64_t bits) noexcept {
    FrameKind kind;
    kind.word_ = bits >> kSpareBits << kSpareBits;
    return kind;
  }

 private:
  friend class FrameWord;
  static constexpr int kAlignShift = 20;
  static constexpr int kStrideShift = 22;
  static constexpr int kTagShift = 42;
  std::uint64_t word_ = 0;
};

/// A frame's header: tag 22 bits, stride 20, alignment 2, flags 4, count 16. Zero means that nothing is there yet.
class FrameWord {
 public:
  static constexpr std::uint32_t kCountMax = (1U << 16) - 1;

  constexpr explicit FrameWord(std::uint64_t bits) noexcept : bits_(bits) {}
  constexpr FrameWord(FrameKind kind, std::uint32_t count, bool stamped) noexcept
      : bits_(kind.word_ | (stamped ? kStamped : 0) | count) {}
  [[nodiscard]] static constexpr FrameWord skip_to_start() noexcept { return FrameWord(kSkip | kClosed); }

  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr std::uint32_t count() const noexcept {
    return static_cast<std::uint32_t>(bits_) & kCountMax;
  }
  [[nodiscard]] constexpr bool closed() const noexcept { return (bits_ & kClosed) != 0; }
  [[nodiscard]] constexpr bool stamped() const noexcept { return (bits_ & kStamped) != 0; }
  [[nodiscard]] constexpr bool skips() const noexcept { return (bits_ & kSkip) != 0; }
  /// One event, closed, without a stamp.
  [[nodiscard]] constexpr bool alone() const noexcept {
    return (bits_ & (kSkip | kStamped | kClosed | kCountMax)) == (kClosed | 1);
  }
  [[nodiscard]] constexpr FrameKind kind() const noexcept {
    FrameKind kind;
    kind.word_ = bits_ & ~std::uint64_t{(1U << 20) - 1};
    return kind;
  }
  [[nodiscard]] constexpr FrameWord as_closed() const noexcept { return FrameWord(bits_ | kClosed); }
  [[nodiscard]] constexpr FrameWord with_more(std::uint32_t events) const noexcept {
    return FrameWord(bits_ + events);
  }

  /// Where the events start, given where the header stands.
  [[nodiscard]] constexpr std::uint64_t payload_at(std::uint64_t header_at) const noexcept {
    const std::uint64_t align = kind().align_bytes();
    return (header_at + (stamped() ? 16 : 8) + align - 1) & ~(align - 1);
  }
  /// Where the next header stands.
  [[nodiscard]] constexpr std::uint64_t end_at(std::uint64_t header_at) const noexcept {
    return (payload_at(header_at) + std::uint64_t{count()} * kind().stride_bytes() + 7) & ~std::uint64_t{7};
  }

 private:
  static constexpr std::uint64_t kClosed = 1U << 16;
  static constexpr std::uint64_t kStamped = 1U << 17;
  static constexpr std::uint64_t kSkip = 1U << 18;
  std::uint64_t bits_;
};

}  // namespace headrace
