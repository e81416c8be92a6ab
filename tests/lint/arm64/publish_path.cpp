// What arm64_publish.py compiles and reads: each function is one way into the bus, with all that inlines into it.

#include <atomic>
#include <cstdint>

#include "headrace/headrace.hpp"
#include "headrace/ring/lane.hpp"
#include "headrace/ring/mpmc_ring.hpp"
#include "headrace/ring/spsc_ring.hpp"
#include "headrace/ring/spsc_span_ring.hpp"

struct Reading {
  std::uint64_t device, value;
};
HEADRACE_EVENT(Reading, "readings", version(1), key(device), device, value)

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

void publish_lane(headrace::Lane::Producer& producer) { producer.commit(); }

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
