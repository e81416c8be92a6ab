#pragma once

#include <algorithm>
#include <cstdint>

#include "headrace/base/atomic.hpp"
#include "headrace/base/cache_line.hpp"
#include "headrace/ring/frame_word.hpp"
#include "headrace/ring/lane_frame.hpp"

namespace headrace {

/// A lane's producer: see BasicLane.
template <class Memory>
class LaneProducer {
 public:
  using Address = typename Memory::Address;
  using Extension = LaneExtension<Address>;
  using Alone = LaneAlone<Address>;

  /// What a frame takes beyond its events: header, stamp, alignment, rounding, and the next header's word.
  static constexpr std::uint64_t kFrameOverheadMax = 16 + FrameKind::kAlignMax + 8 + 8;

  LaneProducer(Memory& memory, std::uint64_t capacity_bytes, const Atomic<std::uint64_t>& released_at) noexcept
      : released_at_(released_at),
        memory_(memory.bytes()),
        capacity_(capacity_bytes),
        limit_(capacity_bytes),
        credit_(capacity_bytes) {}

  /// Room for `count` more events, contiguous, for commit() to publish once they are built. Null: no room now.
  /// Claiming again without commit() abandons the claim. @thread producer  @progress wait-free  @alloc none
  [[nodiscard]] Address try_claim(FrameKind kind, std::uint32_t count, LaneRun run = LaneRun::open) noexcept {
    return try_claim_stamped(kind, count, run, 0);
  }
  /// The same; when a new frame has to be begun it carries `stamp`, unless that is zero.
  [[nodiscard]] Address try_claim_stamped(FrameKind kind, std::uint32_t count, LaneRun run,
                                          std::uint64_t stamp) noexcept {
    claimed_count_ = count;
    if (stamp == 0) {
      if (const Extension more = try_extend(kind, count, kind.stride_bytes())) [[likely]] {
        begins_frame_ = false;
        return more.place;
      }
    }
    return claim_frame(kind, count, run, stamp);
  }

  /// Publishes the claimed events. @thread producer  @progress wait-free  @alloc none
  void commit() noexcept {
    if (begins_frame_) [[unlikely]] {
      commit_frame();
    } else {
      commit_extension(extended(open(), claimed_count_, open_kind_.stride_bytes()));
    }
  }

  /// Room in the open frame, if these events may join it: the shortest way of an event. It writes nothing: each
  /// store takes a place in the core's store buffer, and a full one keeps the next lines from being fetched.
  /// Publish with commit_extension().
  /// @param stride_bytes  the kind's: half of the arithmetic goes where the caller's compiler knows it
  /// @thread producer  @progress wait-free  @alloc none
  [[nodiscard, gnu::always_inline]] Extension try_extend(FrameKind kind, std::uint32_t count,
                                                         std::uint32_t stride_bytes) noexcept {
    const FrameWord now = open();
    if (kind != open_kind_ || now.count() + count > open_count_max_) [[unlikely]]
      return {};
    return extended(now, count, stride_bytes);
  }
  [[gnu::always_inline]] void commit_extension(const Extension& more) noexcept {
    open_.store(more.header.bits(), std::memory_order_relaxed);  // no partner: own variable, others count by it
    Memory::store_word_at(more.header_place, more.header.bits(), std::memory_order_release);  // P1 -> C1
    Memory::ask_for(more.place_to_ask_for);
    if (more.bytes > kCacheLineBytes) [[unlikely]]
      memory_.ask_for_batch(more.end_at, more.bytes);
  }

  /// Room for one event in a frame of its own: the shortest way where kinds alternate. None where a longer one is
  /// needed: a frame is open, the lap ends, or room has to be looked for. Publish with commit_alone(), by a kind
  /// that has this stride and alignment.
  /// @thread producer  @progress wait-free  @alloc none
  template <std::uint32_t stride_bytes, std::uint32_t align_bytes>
  [[nodiscard, gnu::always_inline]] Alone try_claim_alone() noexcept {
    const std::uint64_t header_at = closed_end_at_;
    const std::uint64_t at = lane_payload_at(header_at, align_bytes);
    if (at + stride_bytes > alone_end_max_) [[unlikely]]
      return {};
    return {memory_.payload(at), header_at, lane_up_to_word(at + stride_bytes)};
  }
  template <std::uint32_t stride_bytes, std::uint32_t align_bytes>
  [[gnu::always_inline]] void commit_alone(const Alone& claim, FrameKind kind) noexcept {
    typename Memory::Bytes memory = memory_;
    // I3: the next header's place must be zero before this header shows.
    memory.store_word(claim.end_at, 0, std::memory_order_relaxed);  // no partner: P1 on the next line
    const FrameWord header = FrameWord(kind, 1, false).as_closed();
    memory.store_word(claim.header_at, header.bits(), std::memory_order_release);  // P1 -> C1
    closed_end_at_ = claim.end_at;
    events_before_.add(1);
    memory.template ask_beyond_alone<stride_bytes, align_bytes>(claim.end_at);
  }

  /// Whether a claim of `bytes` in one frame of any kind is sure to succeed: for good, once seen. @thread producer
  [[nodiscard]] bool has_room(std::uint64_t bytes) noexcept {
    const std::uint64_t need = 2 * (bytes + kFrameOverheadMax);  // a skip wastes less than the frame's own bytes
    if (write_at() + need <= released_seen_ + credit_) return true;
    look_for_room();
    return write_at() + need <= released_seen_ + credit_;
  }

  /// Claims fail once `bytes` are in use, until lift_limit(); in force again after use fell to a quarter. It
  /// lets a high watermark be noticed at no cost to claims that succeed.
  /// @param bytes  at least half the capacity  @thread producer
  void limit_use(std::uint64_t bytes) noexcept { limit_ = credit_ = bytes; }
  void lift_limit() noexcept { credit_ = capacity_; }

  /// Nothing joins the open frame, and try_claim_alone() fails until another claim went well. @thread producer
  void close_run() noexcept {
    open_count_max_ = 0;
    alone_end_max_ = 0;
  }
  /// Whether the consumer was a quarter of the ring behind when room was last looked for. @thread producer
  [[nodiscard]] bool reader_lagged() const noexcept { return reader_lagged_; }
  /// Events in the last frame, if it was left open: how long a run became. @thread producer
  [[nodiscard]] std::uint32_t open_run() const noexcept { return open().count(); }

  /// Events published since the start: exact while the producer rests. @thread any
  [[nodiscard]] std::uint64_t events_committed() const noexcept {
    for (;;) {
      const std::uint64_t before = events_before_.value();
      const std::uint64_t all = before + open().count();
      if (before == events_before_.value()) return all;
    }
  }

  /// Bytes in use as far as the producer knows: never too low. @thread producer
  [[nodiscard]] std::uint64_t used_bytes_max() const noexcept { return write_at() - released_seen_; }

 private:
  // A frame that goes on for ever would never be stamped, and one reader would hold its lane for long.
  static constexpr std::uint32_t kRunMax = 512;
  static constexpr std::uint64_t kNoSkip = ~std::uint64_t{0};

  [[gnu::noinline]] Address claim_frame(FrameKind kind, std::uint32_t count, LaneRun run,
                                        std::uint64_t stamp) noexcept {
    const FrameWord word(kind, count, stamp != 0);
    std::uint64_t header_at = lane_up_to_word(write_at());
    std::uint64_t skip_at = kNoSkip;
    const std::uint64_t offset = header_at & (capacity_ - 1);
    if (offset + (word.end_at(header_at) - header_at) > capacity_) {
      skip_at = header_at;
      header_at += capacity_ - offset;
    }
    const std::uint64_t end_at = word.payload_at(header_at) + std::uint64_t{kind.stride_bytes()} * count;
    if (end_at + 16 > released_seen_ + credit_) {
      look_for_room();
      if (end_at + 16 > released_seen_ + credit_) return nullptr;
    }
    if (stamp != 0) memory_.set_plain(header_at + 8, stamp);
    begins_frame_ = true;
    closes_ = run == LaneRun::closed;
    claimed_word_ = closes_ ? word.as_closed() : word;
    claimed_at_ = header_at;
    claimed_end_at_ = end_at;
    skip_at_ = skip_at;
    return memory_.payload(word.payload_at(header_at));
  }

  [[nodiscard]] Extension extended(FrameWord now, std::uint32_t count, std::uint32_t stride_bytes) noexcept {
    const std::uint64_t at = open_payload_at_ + std::uint64_t{now.count()} * stride_bytes;
    const std::uint64_t bytes = std::uint64_t{count} * stride_bytes;
    return {.place = memory_.payload(at),
            .header_place = memory_.payload(open_at_),
            .place_to_ask_for = memory_.place_to_ask_for(at + bytes),
            .end_at = at + bytes,
            .bytes = bytes,
            .header = now.with_more(count)};
  }

  void look_for_room() noexcept {
    released_seen_ = released_at_.load(std::memory_order_acquire);  // P2 <- C2
    reader_lagged_ = used_bytes_max() > capacity_ / 4;
    if (!reader_lagged_) credit_ = limit_;
  }

  [[gnu::noinline]] void commit_frame() noexcept {
    typename Memory::Bytes memory = memory_;
    const FrameWord word = claimed_word_;
    if (closes_) {
      // I3: the next header's place must be zero before this header shows.
      memory.store_word(word.end_at(claimed_at_), 0, std::memory_order_relaxed);  // no partner: P1 below
    }
    std::uint64_t first_at = claimed_at_;
    FrameWord first = word;
    if (skip_at_ != kNoSkip) {
      memory.store_word(claimed_at_, word.bits(), std::memory_order_relaxed);  // no partner: P1 below
      first_at = skip_at_;
      first = FrameWord::skip_to_start();
    }
    if (has_open_) {
      memory.store_word(first_at, first.bits(), std::memory_order_relaxed);  // no partner: P1 on the next line
      memory.store_word(open_at_, open().as_closed().bits(), std::memory_order_release);  // P1 -> C1
    } else {
      memory.store_word(first_at, first.bits(), std::memory_order_release);  // P1 -> C1
    }
    memory.ask_beyond(claimed_end_at_, std::uint64_t{word.count()} * word.kind().stride_bytes());
    // Counted before the open frame's count is replaced: a reader in between counts too much, never too little.
    events_before_.add(has_open_ ? open().count() : 0);
    has_open_ = !closes_;
    if (has_open_) {
      begin(word);
    } else {
      events_before_.add(word.count());
      open_kind_ = FrameKind{};
      open_.store(0, std::memory_order_relaxed);  // no partner: own variable, others only count by it
      closed_end_at_ = lane_up_to_word(claimed_end_at_);
      alone_end_max_ = std::min((closed_end_at_ | (capacity_ - 1)) + 1, released_seen_ + credit_ - 16);
    }
  }

  void begin(FrameWord word) noexcept {
    open_.store(word.bits(), std::memory_order_relaxed);  // no partner: own variable, others only count by it
    alone_end_max_ = 0;
    open_at_ = claimed_at_;
    open_kind_ = word.kind();
    open_payload_at_ = word.payload_at(open_at_);
    const std::uint64_t lap_end = (open_at_ | (capacity_ - 1)) + 1;
    const std::uint64_t credit_end = released_seen_ + credit_ - 16;
    const std::uint64_t end = std::min({lap_end, open_payload_at_ + lane_frame_bytes_max(capacity_), credit_end});
    const std::uint64_t events = (end - std::min(end, open_payload_at_)) / open_kind_.stride_bytes();
    open_count_max_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(events, kRunMax));
  }

  [[nodiscard]] FrameWord open() const noexcept {
    return FrameWord(open_.load(std::memory_order_relaxed));  // no partner: own variable
  }

  /// Where the last built event ends.
  [[nodiscard]] std::uint64_t write_at() const noexcept {
    return has_open_ ? open_payload_at_ + std::uint64_t{open().count()} * open_kind_.stride_bytes()
                     : closed_end_at_;
  }

  const Atomic<std::uint64_t>& released_at_;
  typename Memory::Bytes memory_;
  // The open frame, while has_open_.
  Atomic<std::uint64_t> open_{0};  ///< its header as last stored; zero: none is open
  FrameKind open_kind_{};          ///< no event has this kind while no frame is open
  std::uint32_t open_count_max_ = 0;
  bool has_open_ = false;
  std::uint64_t open_at_ = 0;
  std::uint64_t open_payload_at_ = 0;
  // Room.
  std::uint64_t capacity_;
  std::uint64_t limit_;              ///< what credit_ returns to
  std::uint64_t credit_;             ///< how much of the capacity may be in use
  std::uint64_t released_seen_ = 0;  ///< private copy of released_at_
  std::uint64_t closed_end_at_ = 0;  ///< while no frame is open: where the next header goes, or a skip
  std::uint64_t alone_end_max_ = 0;  ///< where a frame with one event may end that asks no further; 0: nowhere
  bool reader_lagged_ = false;
  LaneEventCounter events_before_;  ///< events of all frames but the open one
  // The claim: more of the open frame, or a frame begun.
  bool begins_frame_ = false;
  bool closes_ = false;
  std::uint32_t claimed_count_ = 0;
  std::uint64_t claimed_end_at_ = 0;
  std::uint64_t claimed_at_ = 0;
  std::uint64_t skip_at_ = kNoSkip;
  FrameWord claimed_word_{0};
};

}  // namespace headrace
