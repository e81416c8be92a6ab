#pragma once

#include <cstdint>

#include "headrace/base/event_count.hpp"
#include "headrace/dispatch/overflow_queue.hpp"
#include "headrace/ring/lane.hpp"
#include "headrace/telemetry/counter.hpp"

namespace headrace {

/// A lane with what its two ends tell each other: a publisher's way to one worker.
///
/// Ordering:  D1 -> D2  with the fences F1 <-> F2: a publisher sees that the worker looks elsewhere, or the worker
///                      sees the publisher's frame when it looks once more
///            V1 -> V2  the worker sees a queue that was built
struct PublisherLane {
  PublisherLane(std::size_t capacity_bytes, std::uint32_t publisher_index, std::uint32_t worker_index)
      : lane(capacity_bytes), publisher(publisher_index), worker(worker_index) {}

  Lane lane;
  const std::uint32_t publisher;
  const std::uint32_t worker;

  // Written by the worker when it stops polling this lane, and taken back by the publisher that rings for it.
  alignas(kNoSharingBytes) Atomic<bool> dozing{true};
  // Set by the publisher when the high watermark was passed, cleared by the worker that finds the lane empty.
  Atomic<bool> high{false};
  // Written once by the publisher, when an event first has to wait behind the lane.
  Atomic<OverflowQueue*> queue{nullptr};

  // owner: publisher
  alignas(kNoSharingBytes) SingleWriterCounter entered;  ///< deliveries put into lane or queue
  SingleWriterCounter removed;                           ///< deliveries the publisher took out again: dropped
  bool spilling = false;                                 ///< events wait behind the lane, so new ones must too

  // owner: worker
  alignas(kNoSharingBytes) SingleWriterCounter left;  ///< deliveries settled
  bool hot = false;                                   ///< the worker polls this lane
  std::uint32_t empty_polls = 0;

  /// Where a publisher waits for room.
  EventCount room;
};

}  // namespace headrace
