#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <random>

#include "headrace/ring/lane.hpp"

namespace headrace {
namespace {

struct Expected {
  FrameKind kind;
  std::uint64_t serial;
  std::uint64_t stamp;
};

// What an event of a given serial number holds, byte by byte.
std::byte content(std::uint64_t serial, std::uint32_t index) {
  return static_cast<std::byte>(serial * 131 + index * 29 + (serial >> 8));
}

/// Random claims, commits, looks and consumptions, each compared with a deque.
class LaneAgainstDeque {
 public:
  LaneAgainstDeque(std::size_t capacity_bytes, std::uint64_t seed) : lane_(capacity_bytes), random_(seed) {}

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) {
      if (below(100) < producer_share_) {
        produce();
      } else {
        consume();
      }
      if (below(200) == 0) producer_share_ = below(100);  // times of filling and times of draining
    }
    while (!expected_.empty() && !testing::Test::HasFatalFailure()) consume();
    Lane::Frame frame;
    EXPECT_FALSE(lane_.consumer().peek(frame));
  }
  [[nodiscard]] std::uint64_t published() const { return serial_; }
  [[nodiscard]] std::uint64_t taken_alone() const { return taken_alone_; }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  // As in C++, the alignment divides the size.
  static std::uint32_t align_of(FrameKind kind) {
    return std::min(kind.align_bytes(), kind.stride_bytes() & (~kind.stride_bytes() + 1));
  }

  FrameKind any_kind() {
    static constexpr std::uint32_t kStrides[] = {2, 6, 8, 12, 16, 24, 40, 64, 96, 100};
    const auto which = static_cast<std::uint32_t>(below(std::size(kStrides)));
    return {which, kStrides[which], kStrides[which] & (~kStrides[which] + 1)};
  }

  // The short way of one event in a frame of its own, where the lane offers it.
  template <std::uint32_t stride_bytes, std::uint32_t align_bytes>
  bool produce_alone(FrameKind kind) {
    const auto claim = lane_.producer().try_claim_alone<stride_bytes, align_bytes>();
    if (!claim || below(10) == 0) return false;
    for (std::uint32_t k = 0; k < stride_bytes; ++k) claim.place[k] = content(serial_, k);
    expected_.push_back({kind, serial_++, 0});
    lane_.producer().commit_alone<stride_bytes, align_bytes>(claim, kind);
    return true;
  }

  void produce() {
    if (below(3) == 0 && (below(2) == 0 ? produce_alone<6, 2>({1, 6, 2}) : produce_alone<64, 64>({7, 64, 64})))
      return;
    if (below(4) == 0 || count_ == 0) {
      kind_ = any_kind();
      count_ = 1;
    }
    const auto most = static_cast<std::uint32_t>(lane_.frame_bytes_max() / kind_.stride_bytes());
    count_ = static_cast<std::uint32_t>(below(3) == 0 ? below(most) + 1 : 1);
    const std::uint64_t stamp = below(5) == 0 ? serial_ + 1 : 0;
    const auto run = below(3) == 0 ? Lane::Run::closed : Lane::Run::open;
    const bool sure = lane_.producer().has_room(std::uint64_t{kind_.stride_bytes()} * count_);
    std::byte* place = lane_.producer().try_claim_stamped(kind_, count_, run, stamp);
    ASSERT_TRUE(place != nullptr || !sure);
    if (place == nullptr || below(10) == 0) return;  // abandoned
    for (std::uint32_t i = 0; i < count_; ++i) {
      for (std::uint32_t k = 0; k < kind_.stride_bytes(); ++k) {
        place[i * kind_.stride_bytes() + k] = content(serial_, k);
      }
      expected_.push_back({kind_, serial_++, i == 0 ? stamp : 0});
    }
    lane_.producer().commit();
  }

  // The short way of frames with one event: what it leaves is something else, or the end.
  void consume_alone() {
    const std::uint64_t most = below(6);
    const std::uint64_t taken =
        lane_.consumer().consume_alone(most, [this](FrameKind kind, const std::byte* event) {
          ASSERT_FALSE(expected_.empty());
          const Expected& wanted = expected_.front();
          ASSERT_EQ(kind, wanted.kind);
          ASSERT_EQ(wanted.stamp, 0U);
          ASSERT_EQ(reinterpret_cast<std::uintptr_t>(event) % align_of(kind), 0U);
          for (std::uint32_t k = 0; k < kind.stride_bytes(); ++k)
            ASSERT_EQ(event[k], content(wanted.serial, k)) << "event " << wanted.serial;
          expected_.pop_front();
        });
    ASSERT_LE(taken, most);
    taken_alone_ += taken;
  }

  void consume() {
    if (below(2) == 0) consume_alone();
    Lane::Frame frame;
    const bool found = lane_.consumer().peek(frame);
    ASSERT_EQ(found, !expected_.empty());
    if (!found) return;
    ASSERT_GT(frame.count, 0U);
    ASSERT_LE(frame.count, expected_.size());
    ASSERT_EQ(frame.stamped ? frame.stamp : 0, expected_.front().stamp);
    const std::byte* first = lane_.consumer().payload(frame);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(first) % align_of(frame.kind), 0U);
    const auto take = static_cast<std::uint32_t>(below(frame.count + 1));
    for (std::uint32_t i = 0; i < frame.count; ++i) {
      const Expected& event = expected_[i];
      ASSERT_EQ(event.kind, frame.kind);
      ASSERT_TRUE(i == 0 || event.stamp == 0);
      for (std::uint32_t k = 0; k < frame.kind.stride_bytes(); ++k) {
        ASSERT_EQ(first[i * frame.kind.stride_bytes() + k], content(event.serial, k)) << "event " << event.serial;
      }
    }
    if (take == 0) return;  // looked at only
    lane_.consumer().consume(take);
    expected_.erase(expected_.begin(), expected_.begin() + take);
  }

  Lane lane_;
  std::mt19937_64 random_;
  std::deque<Expected> expected_;
  FrameKind kind_;
  std::uint32_t count_ = 0;
  std::uint64_t serial_ = 0;
  std::uint64_t producer_share_ = 60;
  std::uint64_t taken_alone_ = 0;
};

// Claim:  a lane is a queue: what goes in comes out, in order and unchanged, whatever the sizes, kinds,
//         alignments, stamps and run lengths, and however little is consumed at a time.
// Method: random operations from fixed seeds against a std::deque, in lanes of which the smallest wraps all the
//         time.
TEST(LaneModel, BehavesAsADeque) {
  for (const std::size_t capacity : {1024U, 2048U, 16'384U}) {
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      SCOPED_TRACE(testing::Message() << "capacity " << capacity << ", seed " << seed);
      LaneAgainstDeque pair(capacity, seed);
      pair.run(8'000);
      ASSERT_FALSE(HasFatalFailure());
      EXPECT_GT(pair.published(), 1'000U);
      EXPECT_GT(pair.taken_alone(), 100U);
    }
  }
}

}  // namespace
}  // namespace headrace
