#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "headrace/base/hash.hpp"
#include "headrace/ring/spsc_span_ring.hpp"

// Batches of SpscSpanRing that are large enough for non-temporal stores.

namespace headrace {
namespace {

template <std::size_t size>
struct Bytes {
  std::array<unsigned char, size> all{};

  static Bytes of(std::uint64_t number) {
    Bytes bytes;
    for (std::size_t i = 0; i < size; ++i)
      bytes.all[i] = static_cast<unsigned char>(mix64(number + i / 8) >> i % 8 * 8);
    return bytes;
  }
  friend bool operator==(const Bytes&, const Bytes&) = default;
};

template <class Event>
class BigBatches : public testing::Test {};
// Of a byte, of less than a line, of lines and a bit, of whole lines, and so that a block of whole lines is too large to build.
using Events = testing::Types<Bytes<1>, Bytes<8>, Bytes<24>, Bytes<64>, Bytes<200>, Bytes<264>, Bytes<536>>;
TYPED_TEST_SUITE(BigBatches, Events);

/// Pushes batches through a ring so that they begin at odd slots and wrap; `push(producer, first, count)` answers how many
/// were taken.
template <class Event, class Push>
void expect_all_through(Handover handover, Push push) {
  constexpr std::size_t kSlots = 1 << 14;
  SpscSpanRing<Event> ring({.capacity_slots = kSlots, .handover = handover});
  auto producer = ring.producer();
  auto consumer = ring.consumer();
  std::uint64_t pushed = 0;
  std::uint64_t read = 0;
  constexpr std::size_t kCounts[] = {1, 15, 8'191, 17, 4'097, 6'007, 12'289, 33'001, 16'384, 7'001, 2};
  for (const std::size_t count : kCounts) {
    for (std::size_t done = 0; done < count;) {
      const std::size_t some = push(producer, pushed, count - done);
      pushed += some;
      done += some;
      // One event stays, so that what lies before a batch must not be touched either.
      for (auto events = consumer.readable(); read + 1 < pushed; events = consumer.readable()) {
        const std::size_t run = std::min<std::size_t>(events.size(), pushed - read - 1);
        for (std::size_t i = 0; i < run; ++i) ASSERT_EQ(events[i], Event::of(read + i)) << "event " << read + i;
        consumer.release(run);
        read += run;
      }
    }
  }
  EXPECT_EQ(consumer.try_pop(), Event::of(pushed - 1));
}

// Claim:  a big batch arrives whole, however it is stored, wherever it begins and whatever size its events have.
TYPED_TEST(BigBatches, ArriveAsTheyWerePushed) {
  for (const auto handover : {Handover::automatic, Handover::ordinary, Handover::non_temporal}) {
    std::vector<TypeParam> batch;
    expect_all_through<TypeParam>(handover, [&](auto& producer, std::uint64_t first, std::size_t count) {
      batch.clear();
      for (std::size_t i = 0; i < count; ++i) batch.push_back(TypeParam::of(first + i));
      return producer.try_push(std::span<const TypeParam>(batch));
    });
  }
}

// Claim:  so does one that is built in the ring; each event is built once and in order.
TYPED_TEST(BigBatches, ArriveAsTheyWereBuilt) {
  for (const auto handover : {Handover::automatic, Handover::ordinary, Handover::non_temporal}) {
    expect_all_through<TypeParam>(handover, [&](auto& producer, std::uint64_t first, std::size_t count) {
      std::size_t next = 0;
      const std::size_t done = producer.try_emplace_n(count, [&](std::size_t i) {
        EXPECT_EQ(i, next++);
        return TypeParam::of(first + i);
      });
      EXPECT_EQ(next, done);
      return done;
    });
  }
}

}  // namespace
}  // namespace headrace
