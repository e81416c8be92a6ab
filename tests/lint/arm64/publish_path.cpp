// What arm64_publish.py compiles and reads: each function is one way into the bus, with all that inlines into it.

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include "headrace/headrace.hpp"
#include "headrace/ring/lane.hpp"
#include "headrace/ring/mpmc_ring.hpp"
#include "headrace/ring/spsc_ring.hpp"
#include "headrace/ring/spsc_span_ring.hpp"

struct Reading {
  std::uint64_t device, value;
};
HEADRACE_EVENT(Reading, "readings", version(1), key(device), device, value)

namespace {
constexpr headrace::FrameKind kKind{1, sizeof(Reading), alignof(Reading)};
}

extern "C" {

bool publish_spsc_ring(headrace::SpscRing<Reading>::Producer& producer, const Reading& event) {
  return producer.try_push(event) == headrace::PushResult::pushed;
}

bool publish_spsc_span_ring(headrace::SpscSpanRing<Reading>::Producer& producer, const Reading& event) {
  return producer.try_push(event) == headrace::PushResult::pushed;
}

bool publish_mpmc_ring(headrace::MpmcRing<Reading>::Producer& producer, const Reading& event) {
  return producer.try_emplace(event) == headrace::PushResult::pushed;
}

// Every way into a lane: the open frame, a frame with one event, a frame begun; and the look for room.
bool publish_lane_extended(headrace::Lane::Producer& producer, const Reading& event) {
  const auto more = producer.try_extend(kKind, 1, sizeof(Reading));
  if (!more) return false;
  std::construct_at(reinterpret_cast<Reading*>(more.place), event);
  producer.commit_extension(more);
  return true;
}

bool publish_lane_alone(headrace::Lane::Producer& producer, const Reading& event) {
  const auto claim = producer.try_claim_alone<sizeof(Reading), alignof(Reading)>();
  if (!claim) return false;
  std::construct_at(reinterpret_cast<Reading*>(claim.place), event);
  producer.commit_alone<sizeof(Reading), alignof(Reading)>(claim, kKind);
  return true;
}

bool publish_lane_claimed(headrace::Lane::Producer& producer, std::span<const Reading> events,
                          std::uint64_t stamp) {
  std::byte* place = producer.try_claim_stamped(kKind, static_cast<std::uint32_t>(events.size()),
                                                headrace::Lane::Run::open, stamp);
  if (place == nullptr) return false;
  std::memcpy(place, events.data(), events.size_bytes());
  producer.commit();
  return true;
}

std::size_t publish_mpmc_ring_batch(headrace::MpmcRing<Reading>::Producer& producer,
                                    std::span<const Reading> events) {
  return producer.try_push(events);
}

std::size_t publish_spsc_span_ring_batch(headrace::SpscSpanRing<Reading>::Producer& producer,
                                         std::span<const Reading> events) {
  return producer.try_push(events);
}

bool publish_bus_topic(headrace::Publisher& publisher, std::string_view topic, const Reading& event) {
  return static_cast<bool>(publisher.publish(topic, event));
}

bool publish_bus_batch(headrace::Publisher& publisher, std::span<const Reading> events) {
  return static_cast<bool>(publisher.publish(events));
}

bool publish_bus(headrace::Publisher& publisher, const Reading& event) {
  return static_cast<bool>(publisher.publish(event));
}

#if defined(HEADRACE_PLANT_FENCE)
void publish_with_planted_fence(std::atomic<int>& flag) {
  flag.store(1, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}
#endif

}  // extern "C"
