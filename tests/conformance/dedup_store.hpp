#pragma once

/// What every DedupStore must do. An implementation runs it by
///   INSTANTIATE_TEST_SUITE_P(Memory, DedupStoreConformance, testing::Values(DedupStoreMaker{...}));

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/port/dedup_store.hpp"

namespace headrace::test {

struct DedupStoreMaker {
  std::string name;
  /// A new, empty store. events_max is a power of two of 64 or more.
  std::function<std::unique_ptr<DedupStore>(std::uint32_t events_max, std::chrono::seconds window,
                                            std::chrono::seconds claim_for)>
      make;
  bool by_count = true;  ///< false: the store bounds its window by time only
  bool renews = false;   ///< whether it knows how to renew claims
};
inline std::ostream& operator<<(std::ostream& out, const DedupStoreMaker& maker) { return out << maker.name; }

inline EventTime dedup_time(std::int64_t seconds) {
  return EventTime{std::chrono::seconds{1'700'000'000 + seconds}};
}
inline DedupKey dedup_key(std::uint64_t number) { return DedupKey::of(EventId::of(number, number, number)); }

class DedupStoreConformance : public testing::TestWithParam<DedupStoreMaker> {
 protected:
  static constexpr DedupOwner kMe = 11;
  static constexpr DedupOwner kOther = 12;

  void SetUp() override { store_ = GetParam().make(64, std::chrono::seconds{600}, std::chrono::seconds{60}); }
  DedupAnswer claim(std::uint64_t number, std::int64_t seconds = 0, DedupOwner owner = kMe) {
    const DedupKey key = dedup_key(number);
    DedupAnswer answer;
    EXPECT_TRUE(store_->claim({&key, 1}, owner, dedup_time(seconds), {&answer, 1}));
    return answer;
  }
  bool finish(std::uint64_t number, DedupEnd end = DedupEnd::done, std::int64_t seconds = 0,
              DedupOwner owner = kMe, std::uint8_t answer = 0) {
    const DedupFinish finish{dedup_key(number), end, answer};
    return store_->finish({&finish, 1}, owner, dedup_time(seconds)).value() == 1;
  }

  std::unique_ptr<DedupStore> store_;
};

// Claim:  the first copy runs, a second one is told that it is in progress, and once done it is answered as the
//         first.
// Method: three copies of one event, by the same owner and by another.
TEST_P(DedupStoreConformance, SecondCopyDoesNotRun) {
  EXPECT_EQ(claim(1).claim, DedupClaim::run);
  EXPECT_EQ(claim(1).claim, DedupClaim::in_progress);
  EXPECT_EQ(claim(1, 0, kOther).claim, DedupClaim::in_progress);
  EXPECT_TRUE(finish(1, DedupEnd::done, 0, kMe, 7));
  EXPECT_EQ(claim(1), (DedupAnswer{DedupClaim::done, 7}));
  EXPECT_EQ(claim(1, 0, kOther), (DedupAnswer{DedupClaim::done, 7}));
  EXPECT_EQ(claim(2).claim, DedupClaim::run);
}

// Claim:  what failed may run again at once, by anybody.
// Method: fail, then claim by another owner, who finishes it.
TEST_P(DedupStoreConformance, FailedMayRunAgain) {
  EXPECT_EQ(claim(1).claim, DedupClaim::run);
  EXPECT_TRUE(finish(1, DedupEnd::failed));
  EXPECT_EQ(claim(1, 0, kOther).claim, DedupClaim::run);
  EXPECT_FALSE(finish(1)) << "its claim is over";
  EXPECT_TRUE(finish(1, DedupEnd::done, 0, kOther));
  EXPECT_EQ(claim(1).claim, DedupClaim::done);
}

// Claim:  only the claim's owner ends it, once, and only what it claimed.
// Method: a foreign owner, an event never claimed, a second finish.
TEST_P(DedupStoreConformance, OnlyTheOwnerFinishes) {
  EXPECT_FALSE(finish(1));
  EXPECT_EQ(claim(1).claim, DedupClaim::run);
  EXPECT_FALSE(finish(1, DedupEnd::done, 0, kOther));
  EXPECT_EQ(claim(1, 0, kOther).claim, DedupClaim::in_progress);
  EXPECT_TRUE(finish(1));
  EXPECT_FALSE(finish(1, DedupEnd::failed));
  EXPECT_EQ(claim(1).claim, DedupClaim::done);
}

// Claim:  a claim that ran out passes to the next who asks, and its former owner cannot end it any more.
// Method: an owner that dies after its claim; claims last a minute.
TEST_P(DedupStoreConformance, ClaimRunsOut) {
  EXPECT_EQ(claim(1, 0).claim, DedupClaim::run);
  EXPECT_EQ(claim(1, 59, kOther).claim, DedupClaim::in_progress);
  EXPECT_EQ(claim(1, 61, kOther).claim, DedupClaim::run);
  EXPECT_FALSE(finish(1, DedupEnd::done, 62, kMe));
  EXPECT_TRUE(finish(1, DedupEnd::done, 62, kOther));
}

// Claim:  a renewed claim lasts as if it were made at the time given, which may be ahead; others than its owner renew
//         nothing, nor is there anything to renew of what is done. A store that cannot renew says so.
// Method: a minute's claim of which half is over, renewed as of two minutes later.
TEST_P(DedupStoreConformance, RenewedClaimsLastLonger) {
  const auto renew = [&](std::uint64_t number, DedupOwner owner, std::int64_t now, std::int64_t from) {
    const DedupKey key = dedup_key(number);
    return store_->renew({&key, 1}, owner, dedup_time(now), dedup_time(from)).value();
  };
  EXPECT_EQ(claim(1, 0).claim, DedupClaim::run);
  EXPECT_EQ(renew(1, kOther, 30, 150), 0U);
  EXPECT_EQ(renew(2, kMe, 30, 150), 0U);
  ASSERT_EQ(renew(1, kMe, 30, 150), GetParam().renews ? 1U : 0U);
  if (!GetParam().renews) return;
  EXPECT_EQ(claim(1, 209, kOther).claim, DedupClaim::in_progress);
  EXPECT_EQ(claim(1, 211, kOther).claim, DedupClaim::run);
  EXPECT_EQ(renew(1, kMe, 212, 300), 0U);
  EXPECT_TRUE(finish(1, DedupEnd::done, 213, kOther));
  EXPECT_EQ(renew(1, kOther, 214, 300), 0U);
}

// Claim:  a done event is remembered for the window from when it was done, and no longer.
// Method: ask just before and after ten minutes; finish half a minute after the claim.
TEST_P(DedupStoreConformance, WindowByTime) {
  EXPECT_EQ(claim(1, 0).claim, DedupClaim::run);
  EXPECT_TRUE(finish(1, DedupEnd::done, 30));
  EXPECT_EQ(claim(1, 629).claim, DedupClaim::done);
  EXPECT_EQ(claim(1, 631).claim, DedupClaim::run);
}

// Claim:  beyond its size the window forgets the oldest done event first, and nothing that is in progress.
// Method: one event in progress, then a hundred done ones through a window of 64.
TEST_P(DedupStoreConformance, WindowByCount) {
  if (!GetParam().by_count) GTEST_SKIP() << "this store's window is by time only";
  EXPECT_EQ(claim(1000).claim, DedupClaim::run);
  for (std::uint64_t i = 0; i < 100; ++i) {
    ASSERT_EQ(claim(i).claim, DedupClaim::run);
    ASSERT_TRUE(finish(i));
  }
  for (std::uint64_t i = 37; i < 100; ++i) EXPECT_EQ(claim(i).claim, DedupClaim::done) << i;
  EXPECT_EQ(claim(1000).claim, DedupClaim::in_progress);
  EXPECT_EQ(claim(36).claim, DedupClaim::run);
}

// Claim:  a window full of events in progress takes no more until one of them ends.
// Method: 64 claims, then a failed one gives its place.
TEST_P(DedupStoreConformance, WindowFullOfEventsInProgress) {
  if (!GetParam().by_count) GTEST_SKIP() << "this store's window is by time only";
  for (std::uint64_t i = 0; i < 64; ++i) ASSERT_EQ(claim(i).claim, DedupClaim::run);
  EXPECT_EQ(claim(64).claim, DedupClaim::full);
  EXPECT_TRUE(finish(20, DedupEnd::failed));
  EXPECT_EQ(claim(64).claim, DedupClaim::run);
  EXPECT_EQ(claim(19).claim, DedupClaim::in_progress);
}

// Claim:  a batch is answered in order, and a key that stands twice in it runs once.
// Method: five keys, one done before, one twice; then finished in one call.
TEST_P(DedupStoreConformance, BatchIsAnsweredInOrder) {
  claim(3);
  finish(3);
  const std::vector<DedupKey> keys{dedup_key(1), dedup_key(2), dedup_key(3), dedup_key(1), dedup_key(4)};
  std::vector<DedupAnswer> answers(keys.size());
  ASSERT_TRUE(store_->claim(keys, kMe, dedup_time(0), answers));
  std::vector<DedupClaim> claims;
  for (const DedupAnswer& answer : answers) claims.push_back(answer.claim);
  EXPECT_EQ(claims, (std::vector{DedupClaim::run, DedupClaim::run, DedupClaim::done, DedupClaim::in_progress,
                                 DedupClaim::run}));
  const std::vector<DedupFinish> ends{{keys[0]}, {keys[1]}, {keys[2]}, {keys[4], DedupEnd::failed}};
  EXPECT_EQ(store_->finish(ends, kMe, dedup_time(0)).value(), 3U) << "3 was done before";
}

// Claim:  keys by text are the same for the same text, and the empty one is a key as well.
// Method: two names and none.
TEST_P(DedupStoreConformance, KeysByText) {
  const auto run = [&](std::string_view text) {
    const DedupKey key = DedupKey::of(text);
    DedupAnswer answer;
    EXPECT_TRUE(store_->claim({&key, 1}, kMe, dedup_time(0), {&answer, 1}));
    return answer.claim == DedupClaim::run;
  };
  EXPECT_TRUE(run("order-1"));
  EXPECT_TRUE(run("order-2"));
  EXPECT_TRUE(run(""));
  EXPECT_FALSE(run("order-1"));
  EXPECT_FALSE(run(""));
}

// Claim:  calls that cannot be meant are errors that no retry helps.
// Method: nobody as owner; fewer answers than keys.
TEST_P(DedupStoreConformance, RefusesWhatCannotBeMeant) {
  const DedupKey key = dedup_key(1);
  DedupAnswer answer;
  const Status nobody = store_->claim({&key, 1}, 0, dedup_time(0), {&answer, 1});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().retry, Error::Retry::no);
  EXPECT_FALSE(store_->claim({&key, 1}, kMe, dedup_time(0), {}));
  EXPECT_EQ(claim(1).claim, DedupClaim::run);
}

}  // namespace headrace::test
