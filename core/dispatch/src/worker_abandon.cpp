#include "headrace/dispatch/dispatcher.hpp"
#include "headrace/dispatch/overflow_queue.hpp"
#include "headrace/dispatch/worker.hpp"

// The end of a worker: what is left in lanes, queues and with the agent when its thread has gone.

namespace headrace {

std::uint64_t Worker::abandon_all() {
  std::uint64_t lost = 0;
  reader_.enter();
  dispatcher_.each_publisher([&](PublisherState& publisher) { lost += abandon(*publisher.lanes()[index_]); });
  if (dispatcher_.has_balanced()) {
    if (!balanced_) balanced_ = dispatcher_.balanced_consumer();
    while (balanced_->consume(kBalancedRun, [&](BalancedEvent&& event) {
      if (BalancedEvent::fits(*event.entry->ops)) {
        event.entry->tell_unhandled(event.bytes, 1);
      } else {
        event.entry->tell_unhandled(event.shared()->data(), 1);
        event.shared()->release();
      }
      balanced_left_.add(1);
      lost += event.entry->deliveries();
    }) > 0) {
    }
  }
  reader_.leave();
  abandoned_.add(lost);
  // The agent's losses are settled, and counted, one by one.
  return agent() == nullptr ? lost : lost + agent()->abandon();
}

std::uint64_t Worker::abandon(PublisherLane& from) {
  std::uint64_t lost = 0;
  auto& lane = from.lane.consumer();
  Lane::Frame frame;
  while (lane.peek(frame)) {
    const DispatchEntry& entry = dispatcher_.entry(frame.kind.tag());
    std::byte* events = lane.payload(frame);
    if (entry.place.boxed) {
      for (std::uint32_t i = 0; i < frame.count; ++i) {
        SharedEvent& box = *reinterpret_cast<SharedEvent**>(events)[i];
        entry.tell_unhandled(box.data(), 1);
        box.release();
      }
    } else {
      entry.tell_unhandled(events, frame.count);
      if (!entry.ops->trivially_copyable) entry.ops->destroy(events, frame.count);
    }
    lane.consume(frame.count);
    from.left.add(frame.count);
    lost += frame.count * entry.deliveries();
  }
  OverflowQueue* queue = from.queue.load(std::memory_order_acquire);  // V2 <- V1
  if (queue == nullptr) return lost;
  for (auto taken = queue->take(); taken.entry != nullptr; taken = queue->take()) {
    taken.entry->tell_unhandled(taken.event->data(), 1);
    taken.event->release();
    queue->settle(taken);
    from.left.add(1);
    lost += taken.entry->deliveries();
  }
  return lost;
}

std::uint64_t Worker::withdraw(PublisherLane& from) {
  const std::uint64_t lost = abandon(from);
  abandoned_.add(lost);
  return lost;
}

}  // namespace headrace
