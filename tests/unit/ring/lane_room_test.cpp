#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

#include "headrace/ring/lane.hpp"

namespace headrace {
namespace {

constexpr FrameKind kEight(7, sizeof(std::uint64_t), alignof(std::uint64_t));

bool put(Lane& lane, FrameKind kind, std::uint32_t count, Lane::Run run = Lane::Run::open) {
  void* place = lane.producer().try_claim(kind, count, run);
  if (place == nullptr) return false;
  std::memset(place, static_cast<int>(kind.tag()), std::size_t{kind.stride_bytes()} * count);
  lane.producer().commit();
  return true;
}

std::uint64_t take_all(Lane& lane) {
  Lane::Frame frame;
  std::uint64_t events = 0;
  while (lane.consumer().peek(frame)) {
    const std::byte* first = lane.consumer().payload(frame);
    for (std::size_t i = 0; i < std::size_t{frame.count} * frame.kind.stride_bytes(); ++i) {
      EXPECT_EQ(first[i], static_cast<std::byte>(frame.kind.tag()));
    }
    events += frame.count;
    lane.consumer().consume(frame.count);
  }
  return events;
}

// Claim:  a capacity that is no power of two, or below 1,024, is a programmer error.
// Method: both; the check's id is part of the message.
TEST(LaneDeath, CapacityIsChecked) {
  EXPECT_DEATH(Lane(1000), "lane.capacity");
  EXPECT_DEATH(Lane(512), "lane.capacity");
}

// Claim:  a full lane refuses, and takes events again once some were consumed; nothing is lost on the way.
// Method: filled and emptied until every place of the ring was the end of it.
TEST(Lane, RefusesWhenFullAndGoesOnWhenThereIsRoom) {
  for (const auto run : {Lane::Run::open, Lane::Run::closed}) {
    Lane lane(1024);
    for (int lap = 0; lap < 300; ++lap) {
      std::uint64_t put_events = 0;
      while (put(lane, kEight, 1, run)) ++put_events;
      EXPECT_GE(put_events, run == Lane::Run::open ? 90U : 50U);
      EXPECT_LE(lane.producer().used_bytes_max(), 1024U);
      EXPECT_EQ(take_all(lane), put_events);
      ASSERT_TRUE(put(lane, kEight, static_cast<std::uint32_t>(lap % 7 + 1), run));
      EXPECT_EQ(take_all(lane), static_cast<std::uint64_t>(lap % 7 + 1));
    }
  }
}

// Claim:  a frame of frame_bytes_max() fits into an empty lane wherever the next header stands.
// Method: the write position moves on by every multiple of eight; sizes around the end of the lap are skipped
//         over.
TEST(Lane, LargestFrameFitsAnywhereInAnEmptyLane) {
  for (const std::uint32_t align : {8U, 64U}) {
    Lane lane(1024);
    const auto largest = static_cast<std::uint32_t>(lane.frame_bytes_max());
    EXPECT_EQ(largest, 128U);
    const FrameKind kind(3, largest, align);
    for (std::uint32_t step = 1; step < 400; ++step) {
      ASSERT_TRUE(
          put(lane, FrameKind(5, step % 60 + 1, 8), 1, step % 2 == 0 ? Lane::Run::open : Lane::Run::closed));
      ASSERT_EQ(take_all(lane), 1U);
      ASSERT_TRUE(put(lane, kind, 1)) << "step " << step;
      ASSERT_EQ(take_all(lane), 1U);
    }
  }
}

// Claim:  an open frame never outgrows frame_bytes_max().
// Method: one event after the other into a lane that nobody reads.
TEST(Lane, OpenFrameStopsGrowingAtTheLargestSize) {
  Lane lane(4096);
  while (put(lane, kEight, 1)) {
  }
  Lane::Frame frame;
  while (lane.consumer().peek(frame)) {
    EXPECT_LE(std::uint64_t{frame.count} * sizeof(std::uint64_t), lane.frame_bytes_max());
    lane.consumer().consume(frame.count);
  }
}

// Claim:  after has_room(bytes) a claim of a frame of that many bytes succeeds, whatever its alignment and stamp.
// Method: over all fill levels and positions; where it says no, nothing is claimed.
TEST(Lane, RoomOnceSeenIsThere) {
  Lane lane(1024);
  std::uint64_t granted = 0;
  for (std::uint32_t step = 0; step < 20'000; ++step) {
    const std::uint32_t bytes = step * 7 % 128 + 1;
    const std::uint32_t align = 8U << step % 4;
    if (lane.producer().has_room(bytes)) {
      ++granted;
      const auto run = step % 5 == 0 ? Lane::Run::closed : Lane::Run::open;
      ASSERT_NE(lane.producer().try_claim_stamped(FrameKind(step % 3, bytes, align), 1, run, step % 2), nullptr);
      lane.producer().commit();
    } else {
      Lane::Frame frame;
      for (std::uint32_t i = 0; i <= step % 3 && lane.consumer().peek(frame); ++i) {
        lane.consumer().consume(frame.count);
      }
    }
  }
  EXPECT_GT(granted, 10'000U);
}

// Claim:  the bytes of consumed frames come back at the latest when the consumer finds the lane empty.
// Method: used_bytes_max() after a look at the empty lane and a claim that asks for room.
TEST(Lane, EmptyLaneGivesEverythingBack) {
  Lane lane(1024);
  while (put(lane, kEight, 1, Lane::Run::closed)) {
  }
  EXPECT_GT(lane.producer().used_bytes_max(), 900U);
  take_all(lane);
  EXPECT_TRUE(lane.producer().has_room(64));
  EXPECT_EQ(lane.producer().used_bytes_max(), 0U);
}

// Claim:  a limit makes claims fail early, lifting it lets the rest of the lane be used, and it is in force again
//         once use has fallen to a quarter.
// Method: half the capacity as the limit, over several fillings.
TEST(Lane, LimitIsNoticedAndComesBack) {
  Lane lane(4096);
  lane.producer().limit_use(2048);
  for (int lap = 0; lap < 20; ++lap) {
    while (put(lane, kEight, 1, Lane::Run::closed)) {
    }
    EXPECT_GT(lane.producer().used_bytes_max(), 2048U - 64U);
    EXPECT_LE(lane.producer().used_bytes_max(), 2048U);
    lane.producer().lift_limit();
    ASSERT_TRUE(put(lane, kEight, 1));
    while (put(lane, kEight, 1, Lane::Run::closed)) {
    }
    EXPECT_GT(lane.producer().used_bytes_max(), 4096U - 64U);
    take_all(lane);
  }
}

}  // namespace
}  // namespace headrace
