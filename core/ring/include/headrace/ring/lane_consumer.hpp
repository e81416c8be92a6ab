#pragma once

#include <cstdint>

#include "headrace/base/atomic.hpp"
#include "headrace/ring/frame_word.hpp"
#include "headrace/ring/lane_frame.hpp"

namespace headrace {

/// A lane's consumer: see BasicLane.
template <class Memory>
class LaneConsumer {
 public:
  LaneConsumer(Memory& memory, std::uint64_t capacity_bytes, Atomic<std::uint64_t>& released_at) noexcept
      : released_at_(released_at),
        memory_(memory.bytes()),
        capacity_(capacity_bytes),
        release_step_(lane_frame_bytes_max(capacity_bytes)) {}

  /// The next run of events, or false. Asking again without consume() gives the same run, perhaps longer.
  /// @thread consumer  @progress wait-free  @alloc none
  [[nodiscard]] bool peek(LaneFrame& frame) noexcept {
    for (;;) {
      if (!word_.closed() || word_.count() <= consumed_) {
        if (word_.closed()) {
          advance();
          continue;
        }
        const FrameWord now(memory_.load_word(read_at_, std::memory_order_acquire));  // C1 <- P1
        if (now.bits() == word_.bits() && word_.count() <= consumed_) {
          if (released_ != read_at_) release_up_to(read_at_);
          return false;
        }
        word_ = now;
        if (word_.count() <= consumed_) continue;
      }
      fill(frame);
      return true;
    }
  }

  /// Gives back the first `count` events that peek() showed. @thread consumer  @progress wait-free  @alloc none
  void consume(std::uint32_t count) noexcept {
    consumed_ += count;
    if (word_.closed() && consumed_ == word_.count()) {
      advance();
      if (read_at_ - released_ >= release_step_) release_up_to(read_at_);
    }
  }

  /// Hands frames with one event and no stamp to `visit(kind, address)`, and gives them back, while they come one behind
  /// the other: the shortest way where kinds alternate. None in the middle of a frame. `visit` does not throw, and
  /// does not come back to this consumer.
  /// @return how many, at most `most`  @thread consumer  @progress wait-free but for `visit`  @alloc none
  template <class Visit>
  std::uint64_t consume_alone(std::uint64_t most, Visit&& visit) {
    if (word_.bits() != 0) return 0;
    typename Memory::Bytes memory = memory_;
    std::uint64_t at = read_at_;
    std::uint64_t taken = 0;
    for (; taken < most; ++taken) {
      const FrameWord word(memory.load_word(at, std::memory_order_acquire));  // C1 <- P1
      if (!word.alone()) break;
      const std::uint64_t event_at = lane_payload_at(at, word.kind().align_bytes());
      at = lane_up_to_word(event_at + word.kind().stride_bytes());
      visit(word.kind(), memory.payload(event_at));
      if (at - released_ >= release_step_) [[unlikely]]
        release_up_to(at);
    }
    read_at_ = at;
    return taken;
  }

  [[nodiscard]] typename Memory::Address payload(const LaneFrame& frame) noexcept {
    return memory_.payload(frame.first_at);
  }

 private:
  void fill(LaneFrame& frame) noexcept {
    frame.kind = word_.kind();
    frame.is_open = !word_.closed();
    frame.count = word_.count() - consumed_;
    frame.stamped = word_.stamped() && consumed_ == 0;
    frame.stamp = frame.stamped ? memory_.get_plain(read_at_ + 8) : 0;
    frame.first_at = word_.payload_at(read_at_) + std::uint64_t{consumed_} * frame.kind.stride_bytes();
  }

  void advance() noexcept {
    read_at_ = word_.skips() ? (read_at_ | (capacity_ - 1)) + 1 : word_.end_at(read_at_);
    word_ = FrameWord(0);
    consumed_ = 0;
  }

  void release_up_to(std::uint64_t at) noexcept {
    released_ = at;
    released_at_.store(at, std::memory_order_release);  // C2 -> P2
  }

  Atomic<std::uint64_t>& released_at_;
  typename Memory::Bytes memory_;
  std::uint64_t capacity_;
  std::uint64_t release_step_;
  std::uint64_t read_at_ = 0;   ///< the current frame's header
  std::uint64_t released_ = 0;  ///< private copy of released_at_
  FrameWord word_{0};           ///< the current header as last seen; zero: not seen yet
  std::uint32_t consumed_ = 0;  ///< events of the current frame already given back
};

}  // namespace headrace
