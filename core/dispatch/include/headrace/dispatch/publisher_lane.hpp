#pragma once

#include <cstdint>

#include "headrace/base/event_count.hpp"
#include "headrace/dispatch/doze.hpp"
#include "headrace/ring/lane.hpp"
#include "headrace/telemetry/counter.hpp"

namespace headrace {

class OverflowQueue;

/// A lane with what its two ends tell each other: a publisher's way to one worker.
///
/// Ordering:  V1 -> V2  the worker sees a queue that was built
struct PublisherLane {
  PublisherLane(std::size_t capacity_bytes, std::uint32_t publisher_index, std::uint32_t worker_index)
      : lane(capacity_bytes), publisher(publisher_index), worker(worker_index) {}

  Lane lane;
  const std::uint32_t publisher;
  const std::uint32_t worker;

  alignas(kNoSharingBytes) Doze doze;
  // Set by the publisher when the high watermark was passed, cleared by the worker that finds the lane empty.
  Atomic<bool> high{false};
  // Written once by the publisher, when an event first has to wait behind the lane.
  Atomic<OverflowQueue*> queue{nullptr};

  // owner: publisher
  alignas(kNoSharingBytes) SingleWriterCounter queued;  ///< events put into the queue
  SingleWriterCounter removed;                          ///< events the publisher took out of it again: dropped
  bool spilling = false;                                ///< events wait behind the lane, so new ones must too
  FrameKind last_kind;                                  ///< of the last frame begun

  // owner: worker
  alignas(kNoSharingBytes) SingleWriterCounter left;  ///< events settled
  bool hot = false;                                   ///< the worker polls this lane
  std::uint32_t empty_polls = 0;

  /// Events that ever entered lane or queue. @thread any
  [[nodiscard]] std::uint64_t entered() noexcept { return lane.producer().events_committed() + queued.value(); }

  /// Where a publisher waits for room.
  EventCount room;
};

}  // namespace headrace
