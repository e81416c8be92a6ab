#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "headrace/ring/mpmc_ring.hpp"
#include "scale.hpp"

namespace headrace {
namespace {

enum class Place { nowhere, before_publish, before_claim };

/// Stops the thread that asked for it, at the place it named, until the test lets it go.
struct Stalls {
  static inline thread_local Place armed = Place::nowhere;
  static inline std::atomic<bool> stopped{false};
  static inline std::atomic<bool> released{false};

  static void reset() { stopped = released = false; }
  static void stop_at(Place place) {
    if (armed != place) return;
    armed = Place::nowhere;
    stopped = true;
    stopped.notify_all();
    released.wait(false);
  }
  static void before_publish() { stop_at(Place::before_publish); }
  static void before_claim() { stop_at(Place::before_claim); }

  static void wait_until_stopped() { stopped.wait(false); }
  static void release() {
    released = true;
    released.notify_all();
  }
};

using StallRing = MpmcRing<std::uint64_t, Stalls>;
constexpr MpmcRingOptions kLanes{.lane_capacity_slots = 16, .producers_max = 4};
constexpr std::uint64_t kThrough = scaled(200'000);
constexpr std::uint64_t kMark = 1'000'000'000;

/// Pushes 1 up to kThrough while another thread pops; answers the sum of what was popped.
std::uint64_t carry_through(StallRing& ring, StallRing::Producer& producer) {
  std::uint64_t sum = 0;
  std::thread consuming([&] {
    auto consumer = ring.consumer();
    for (std::uint64_t seen = 0; seen < kThrough;) {
      std::uint64_t event = 0;
      if (consumer.try_pop(event)) {
        sum += event;
        ++seen;
      } else {
        std::this_thread::yield();
      }
    }
  });
  for (std::uint64_t i = 1; i <= kThrough; ++i) {
    while (producer.try_push(i) == PushResult::full) std::this_thread::yield();
  }
  consuming.join();
  return sum;
}
constexpr std::uint64_t kSum = kThrough * (kThrough + 1) / 2;

// Claim:  a producer that stops between writing and publishing delays no other producer and no consumer; only its
//         own unpublished event is withheld, until it goes on.
// Method: one producer is stopped there while another one's events make thousands of laps.
TEST(MpmcRingStall, ProducerStoppedBeforePublishDelaysNobody) {
  Stalls::reset();
  StallRing ring(kLanes);
  std::thread stopping([&] {
    auto producer = ring.producer().value();
    Stalls::armed = Place::before_publish;
    EXPECT_EQ(producer.try_push(kMark), PushResult::pushed);
  });
  Stalls::wait_until_stopped();
  auto producer = ring.producer().value();
  EXPECT_EQ(carry_through(ring, producer), kSum);
  EXPECT_TRUE(ring.was_empty());
  Stalls::release();
  stopping.join();
  EXPECT_EQ(ring.consumer().try_pop(), kMark);
}

// Claim:  a consumer that stops between copying and claiming delays neither the producer of that lane nor the
//         other consumers, and its stale copies are never delivered when it goes on.
// Method: it is stopped over the first event of a lane of 16 slots; the lane is then filled and drained thousands
//         of times. Let go, it must find that another one took the event, and take a later one.
TEST(MpmcRingStall, ConsumerStoppedBeforeClaimDelaysNobody) {
  Stalls::reset();
  StallRing ring(kLanes);
  auto producer = ring.producer().value();
  ASSERT_EQ(producer.try_push(kMark), PushResult::pushed);
  std::uint64_t late = 0;
  std::thread stopping([&] {
    auto consumer = ring.consumer();
    Stalls::armed = Place::before_claim;
    EXPECT_TRUE(consumer.try_pop(late));
  });
  Stalls::wait_until_stopped();
  EXPECT_EQ(ring.consumer().try_pop(), kMark);
  EXPECT_EQ(carry_through(ring, producer), kSum);
  ASSERT_EQ(producer.try_push(kMark + 1), PushResult::pushed);
  Stalls::release();
  stopping.join();
  EXPECT_EQ(late, kMark + 1);
  EXPECT_TRUE(ring.was_empty());
}

// Claim:  several producers and consumers complete while a producer is stopped.
// Method: two producers and two consumers, which share the lanes.
TEST(MpmcRingStall, OthersCompleteWhileAProducerIsStopped) {
  Stalls::reset();
  StallRing ring(kLanes);
  std::thread stopping([&] {
    auto producer = ring.producer().value();
    Stalls::armed = Place::before_publish;
    EXPECT_EQ(producer.try_push(0), PushResult::pushed);
  });
  Stalls::wait_until_stopped();
  std::atomic<std::uint64_t> sum{0};
  std::thread other([&] {
    auto producer = ring.producer().value();
    sum += carry_through(ring, producer);
  });
  auto producer = ring.producer().value();
  sum += carry_through(ring, producer);
  other.join();
  EXPECT_EQ(sum.load(), 2 * kSum);
  Stalls::release();
  stopping.join();
}

}  // namespace
}  // namespace headrace
