#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "headrace/ring/lane.hpp"

namespace headrace {
namespace {

constexpr FrameKind kNumber(7, sizeof(std::uint64_t), alignof(std::uint64_t));

bool put(Lane& lane, std::uint64_t value, Lane::Run run = Lane::Run::open, std::uint64_t stamp = 0,
         FrameKind kind = kNumber) {
  void* place = lane.producer().try_claim_stamped(kind, 1, run, stamp);
  if (place == nullptr) return false;
  std::memcpy(place, &value, sizeof(value));
  lane.producer().commit();
  return true;
}

std::uint64_t value_at(Lane& lane, const Lane::Frame& frame, std::uint32_t index) {
  std::uint64_t value = 0;
  std::memcpy(&value, lane.consumer().payload(frame) + index * frame.kind.stride_bytes(), sizeof(value));
  return value;
}

// Claim:  a kind keeps its tag, stride and alignment, up to the largest of each.
// Method: the ends of each range, and alignments below eight, which count as eight.
TEST(FrameKind, KeepsWhatItWasMadeOf) {
  for (const std::uint32_t tag : {0U, 1U, FrameKind::kTagMax}) {
    for (const std::uint32_t stride : {1U, 24U, FrameKind::kStrideMax}) {
      for (const std::uint32_t align : {1U, 8U, 16U, 32U, 64U}) {
        const FrameKind kind(tag, stride, align);
        EXPECT_EQ(kind.tag(), tag);
        EXPECT_EQ(kind.stride_bytes(), stride);
        EXPECT_EQ(kind.align_bytes(), align < 8 ? 8 : align);
        const FrameWord word(kind, FrameWord::kCountMax, true);
        EXPECT_EQ(word.kind(), kind);
        EXPECT_EQ(word.count(), FrameWord::kCountMax);
        EXPECT_TRUE(word.stamped());
        EXPECT_FALSE(word.closed());
        EXPECT_EQ(word.as_closed().kind(), kind);
      }
    }
  }
}

// Claim:  an empty lane shows nothing, and what was committed shows with its value.
// Method: one event; looked for before and after, and once more when it is consumed.
TEST(Lane, ShowsAnEventOnceItIsCommitted) {
  Lane lane(1024);
  Lane::Frame frame;
  EXPECT_FALSE(lane.consumer().peek(frame));
  void* place = lane.producer().try_claim(kNumber, 1);
  ASSERT_NE(place, nullptr);
  EXPECT_FALSE(lane.consumer().peek(frame));
  const std::uint64_t value = 42;
  std::memcpy(place, &value, sizeof(value));
  lane.producer().commit();
  ASSERT_TRUE(lane.consumer().peek(frame));
  EXPECT_EQ(frame.kind, kNumber);
  EXPECT_EQ(frame.count, 1U);
  EXPECT_EQ(value_at(lane, frame, 0), 42U);
  lane.consumer().consume(1);
  EXPECT_FALSE(lane.consumer().peek(frame));
}

// Claim:  events published while their frame is open reach a lagging consumer as one run.
// Method: five events before the first look.
TEST(Lane, OpenFrameGathersARun) {
  Lane lane(1024);
  for (std::uint64_t i = 0; i < 5; ++i) ASSERT_TRUE(put(lane, i));
  Lane::Frame frame;
  ASSERT_TRUE(lane.consumer().peek(frame));
  ASSERT_EQ(frame.count, 5U);
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(value_at(lane, frame, i), i);
}

// Claim:  nothing joins a closed frame.
// Method: three closed ones of the same kind, each seen alone.
TEST(Lane, ClosedFrameStaysAsItIs) {
  Lane lane(1024);
  for (std::uint64_t i = 0; i < 3; ++i) ASSERT_TRUE(put(lane, i, Lane::Run::closed));
  Lane::Frame frame;
  for (std::uint64_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(lane.consumer().peek(frame));
    EXPECT_EQ(frame.count, 1U);
    EXPECT_EQ(value_at(lane, frame, 0), i);
    lane.consumer().consume(1);
  }
  EXPECT_FALSE(lane.consumer().peek(frame));
}

// Claim:  open and closed frames may follow each other in any order.
// Method: every sequence of five, looked at after each event and only at the end.
TEST(Lane, OpenAndClosedFramesMix) {
  for (unsigned pattern = 0; pattern < 32; ++pattern) {
    for (const bool eager : {false, true}) {
      Lane lane(1024);
      std::vector<std::uint64_t> seen;
      Lane::Frame frame;
      const auto look = [&] {
        while (lane.consumer().peek(frame)) {
          for (std::uint32_t k = 0; k < frame.count; ++k) seen.push_back(value_at(lane, frame, k));
          lane.consumer().consume(frame.count);
        }
      };
      for (unsigned i = 0; i < 5; ++i) {
        ASSERT_TRUE(put(lane, i, (pattern >> i & 1U) != 0 ? Lane::Run::open : Lane::Run::closed));
        if (eager) look();
      }
      look();
      EXPECT_EQ(seen, (std::vector<std::uint64_t>{0, 1, 2, 3, 4})) << "pattern " << pattern;
    }
  }
}

// Claim:  an event of another kind ends the open frame; both arrive in the order published.
// Method: two kinds in turn.
TEST(Lane, AnotherKindBeginsAnotherFrame) {
  constexpr FrameKind kOther(8, sizeof(std::uint64_t), alignof(std::uint64_t));
  Lane lane(1024);
  for (std::uint64_t i = 0; i < 6; ++i)
    ASSERT_TRUE(put(lane, i, Lane::Run::open, 0, i % 2 == 0 ? kNumber : kOther));
  Lane::Frame frame;
  for (std::uint64_t i = 0; i < 6; ++i) {
    ASSERT_TRUE(lane.consumer().peek(frame));
    EXPECT_EQ(frame.kind.tag(), i % 2 == 0 ? 7U : 8U);
    EXPECT_EQ(frame.count, 1U);
    EXPECT_EQ(value_at(lane, frame, 0), i);
    lane.consumer().consume(1);
  }
}

// Claim:  looking twice without consuming shows the same run, longer if it has grown, whether the frame is open or
//         closed. A consumer that looks once more before it sleeps must not lose what it saw.
// Method: two looks at one event, a third after a second event.
TEST(Lane, PeekingAgainShowsTheSameRun) {
  for (const auto run : {Lane::Run::open, Lane::Run::closed}) {
    Lane lane(1024);
    ASSERT_TRUE(put(lane, 1, run));
    Lane::Frame frame;
    ASSERT_TRUE(lane.consumer().peek(frame));
    ASSERT_TRUE(lane.consumer().peek(frame));
    EXPECT_EQ(frame.count, 1U);
    ASSERT_TRUE(put(lane, 2, run));
    ASSERT_TRUE(lane.consumer().peek(frame));
    EXPECT_EQ(frame.count, run == Lane::Run::open ? 2U : 1U);
    EXPECT_EQ(value_at(lane, frame, 0), 1U);
  }
}

// Claim:  part of a run may be consumed; the next look begins behind it.
// Method: ten events, consumed 1, 2, 3 and 4 at a time, in an open and in a closed frame.
TEST(Lane, RunIsConsumedPieceByPiece) {
  for (const auto run : {Lane::Run::open, Lane::Run::closed}) {
    Lane lane(1024);
    auto* place = reinterpret_cast<std::uint64_t*>(lane.producer().try_claim(kNumber, 10, run));
    ASSERT_NE(place, nullptr);
    for (std::uint64_t i = 0; i < 10; ++i) place[i] = i;
    lane.producer().commit();
    std::uint64_t next = 0;
    Lane::Frame frame;
    for (std::uint32_t take = 1; take <= 4; ++take) {
      ASSERT_TRUE(lane.consumer().peek(frame));
      EXPECT_EQ(frame.count, 10 - next);
      for (std::uint32_t i = 0; i < take; ++i) EXPECT_EQ(value_at(lane, frame, i), next++);
      lane.consumer().consume(take);
    }
    EXPECT_FALSE(lane.consumer().peek(frame));
  }
}

// Claim:  a claim that is not committed leaves no trace.
// Method: claims of another kind and size are abandoned between two events.
TEST(Lane, AbandonedClaimIsNeverSeen) {
  constexpr FrameKind kOther(9, 40, 8);
  Lane lane(1024);
  ASSERT_TRUE(put(lane, 1));
  ASSERT_NE(lane.producer().try_claim(kOther, 2), nullptr);
  ASSERT_NE(lane.producer().try_claim(kNumber, 3), nullptr);
  ASSERT_TRUE(put(lane, 2));
  Lane::Frame frame;
  ASSERT_TRUE(lane.consumer().peek(frame));
  ASSERT_EQ(frame.count, 2U);
  EXPECT_EQ(value_at(lane, frame, 0), 1U);
  EXPECT_EQ(value_at(lane, frame, 1), 2U);
}

// Claim:  a stamp travels with the first run of the frame that it began, and with nothing else.
// Method: stamped, joined by an unstamped event, consumed in two pieces; then another stamp begins another frame.
TEST(Lane, StampBelongsToTheFirstRunOfItsFrame) {
  Lane lane(1024);
  ASSERT_TRUE(put(lane, 1, Lane::Run::open, 1111));
  ASSERT_TRUE(put(lane, 2));
  ASSERT_TRUE(put(lane, 3, Lane::Run::open, 3333));
  Lane::Frame frame;
  ASSERT_TRUE(lane.consumer().peek(frame));
  EXPECT_TRUE(frame.stamped);
  EXPECT_EQ(frame.stamp, 1111U);
  EXPECT_EQ(frame.count, 2U);
  lane.consumer().consume(1);
  ASSERT_TRUE(lane.consumer().peek(frame));
  EXPECT_FALSE(frame.stamped);
  EXPECT_EQ(value_at(lane, frame, 0), 2U);
  lane.consumer().consume(1);
  ASSERT_TRUE(lane.consumer().peek(frame));
  EXPECT_EQ(frame.stamp, 3333U);
  EXPECT_EQ(value_at(lane, frame, 0), 3U);
}

// Claim:  events stand at addresses that suit their alignment, at any place in the ring.
// Method: every alignment, open and closed, stamped and not, over many laps with an odd-sized frame in between.
TEST(Lane, EventsAreAligned) {
  for (const std::uint32_t align : {8U, 16U, 32U, 64U}) {
    Lane lane(1024);
    const FrameKind kind(1, align, align);
    constexpr FrameKind kOdd(2, 3, 1);
    Lane::Frame frame;
    for (std::uint64_t i = 0; i < 200; ++i) {
      void* place =
          lane.producer().try_claim_stamped(kind, 1, i % 3 == 0 ? Lane::Run::closed : Lane::Run::open, i % 2);
      ASSERT_NE(place, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(place) % align, 0U);
      lane.producer().commit();
      ASSERT_NE(lane.producer().try_claim(kOdd, static_cast<std::uint32_t>(i % 5 + 1)), nullptr);
      lane.producer().commit();
      ASSERT_TRUE(lane.consumer().peek(frame));
      EXPECT_EQ(frame.kind, kind);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(lane.consumer().payload(frame)) % align, 0U);
      lane.consumer().consume(1);
      ASSERT_TRUE(lane.consumer().peek(frame));
      EXPECT_EQ(frame.kind, kOdd);
      lane.consumer().consume(frame.count);
    }
  }
}

// Claim:  a run ends at 512 events; the events behind it begin another frame.
// Method: claims of a hundred one-byte events, in a lane whose frames might hold them all.
TEST(Lane, RunEndsAtItsBound) {
  constexpr FrameKind kByte(1, 1, 1);
  Lane lane(1U << 20U);
  for (std::uint32_t put_events = 0; put_events < 1'200; put_events += 100) {
    ASSERT_NE(lane.producer().try_claim(kByte, 100), nullptr);
    lane.producer().commit();
  }
  Lane::Frame frame;
  for (const std::uint32_t run : {500U, 500U, 200U}) {
    ASSERT_TRUE(lane.consumer().peek(frame));
    EXPECT_EQ(frame.count, run);
    lane.consumer().consume(frame.count);
  }
}

}  // namespace
}  // namespace headrace
