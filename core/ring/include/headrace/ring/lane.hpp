#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "headrace/base/atomic.hpp"
#include "headrace/base/cache_line.hpp"
#include "headrace/base/check.hpp"
#include "headrace/ring/lane_consumer.hpp"
#include "headrace/ring/lane_frame.hpp"
#include "headrace/ring/lane_producer.hpp"

#if !defined(HEADRACE_MODEL_ATOMICS)
#include "headrace/ring/lane_memory.hpp"
#endif

namespace headrace {

/// Bounded single-producer, single-consumer ring of frames: a header word and a contiguous run of events of one
/// kind.
///
/// Threads:   one producer (producer()), one consumer (consumer()).
/// Progress:  every operation wait-free.   Allocates: constructor only.
/// Limits:    capacity_bytes a power of two, at least 1,024; a frame's events take at most frame_bytes_max(), an
///            eighth of it; positions never wrap (2^64).
/// Invariant: I1  released_at <= read_at <= the open frame's header < write_at <= released_at + capacity_bytes
///            I2  the word at the consumer's read_at is zero, a frame whose first `count` events are built, or a
///                skip
///            I3  a closed frame's end holds a zero word or a header; nothing is ever added to a closed frame
/// Ordering:  P1 -> C1  the consumer sees the events that a header counts, and the header behind a closed one
///            C2 -> P2  the producer sees that the consumer is done with the bytes it may reuse
///
/// The commit travels with the data: the producer builds events, then stores the header that counts them; the
/// consumer polls that header alone. While a frame is open the producer adds events of the same kind and stores a
/// higher count, so a consumer that lags finds runs. A frame ends when its header is stored as closed, which comes
/// after the next header (or a zero word in its place) was written, so the consumer never mistakes old bytes for a
/// header. Bytes go back to the producer in eighths of the ring, and when the consumer finds nothing to read.
template <class Memory>
class BasicLane {
 public:
  explicit BasicLane(std::size_t capacity_bytes)
      : memory_(checked(capacity_bytes)),
        capacity_(capacity_bytes),
        producer_(memory_, capacity_bytes, released_at_),
        consumer_(memory_, capacity_bytes, released_at_) {
    memory_.bytes().store_word(0, 0, std::memory_order_relaxed);  // no partner: before the lane is shared
  }
  BasicLane(const BasicLane&) = delete;
  BasicLane& operator=(const BasicLane&) = delete;

  using Frame = LaneFrame;
  using Run = LaneRun;
  using Producer = LaneProducer<Memory>;
  using Consumer = LaneConsumer<Memory>;

  [[nodiscard]] Producer& producer() noexcept { return producer_; }
  [[nodiscard]] Consumer& consumer() noexcept { return consumer_; }

  [[nodiscard]] std::uint64_t capacity_bytes() const noexcept { return capacity_; }
  /// The most that the events of one frame may take.
  [[nodiscard]] std::uint64_t frame_bytes_max() const noexcept { return lane_frame_bytes_max(capacity_); }

 private:
  static std::size_t checked(std::size_t capacity_bytes) noexcept {
    HEADRACE_CHECK("lane.capacity",
                   std::has_single_bit(capacity_bytes) && capacity_bytes >= Memory::kCapacityBytesMin,
                   "capacity_bytes must be a power of two, at least 1,024");
    return capacity_bytes;
  }

  Memory memory_;
  const std::uint64_t capacity_;
  alignas(kNoSharingBytes) Producer producer_;  // owner: producer
  alignas(kNoSharingBytes) Consumer consumer_;  // owner: consumer
  // Written by the consumer.
  alignas(kNoSharingBytes) Atomic<std::uint64_t> released_at_{0};
};

#if !defined(HEADRACE_MODEL_ATOMICS)
using Lane = BasicLane<LaneMemory>;
#endif

}  // namespace headrace
