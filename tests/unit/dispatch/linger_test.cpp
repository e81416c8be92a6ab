#include "headrace/dispatch/linger.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace headrace {
namespace {

constexpr std::uint32_t kLooks = 100'000;

/// The pauses of kLooks looks, each of which finds what `found` says comes during so many pauses.
template <class Found>
std::uint64_t pauses_of(Linger& linger, Found found) {
  std::uint64_t all = 0;
  std::uint32_t pauses = 0;
  for (std::uint32_t i = 0; i < kLooks; ++i) all += pauses = linger.after(found(pauses));
  return all;
}

TEST(Linger, AnAnswerIsNotKeptWaiting) {
  Linger linger;
  EXPECT_LT(pauses_of(linger, [](std::uint32_t) { return 1U; }), kLooks / 100);
}

TEST(Linger, NorAreTheAnswersOfSeveralThatWaitEach) {
  Linger linger;
  EXPECT_LT(pauses_of(linger, [](std::uint32_t) { return 8U; }), kLooks / 20);
}

TEST(Linger, EventsThatStreamAreGathered) {
  for (const std::uint32_t per_pause : {1U, 2U, 4U}) {
    Linger linger;
    const auto found = [&](std::uint32_t pauses) { return 1 + pauses * per_pause; };
    static_cast<void>(pauses_of(linger, found));
    std::uint32_t pauses = linger.after(1);
    std::uint64_t events = 0;
    for (int look = 0; look < 100; ++look) {
      events = found(pauses);
      pauses = linger.after(events);
    }
    EXPECT_GE(events, 128U) << per_pause;
  }
}

TEST(Linger, AStreamThatStopsNowAndThenIsStillGathered) {
  Linger linger;
  std::uint64_t events = 0;
  std::uint32_t pauses = 0;
  for (std::uint32_t look = 0; look < kLooks; ++look) {
    const std::uint64_t found = look % 256 < 3 ? 1 : 1 + pauses * 2;
    events += found;
    pauses = linger.after(found);
  }
  EXPECT_GT(events / kLooks, 128U);
}

TEST(Linger, AStreamThatAWorkerCanChaseWaitsNoLongerThanKPausesMax) {
  for (const std::uint32_t pauses_each : {2U, 3U, 8U}) {
    Linger linger;
    const auto found = [&](std::uint32_t pauses) { return 1 + (20 + pauses) / pauses_each; };
    static_cast<void>(pauses_of(linger, [](std::uint32_t pauses) { return 1 + pauses * 2; }));  // after a burst
    EXPECT_GT(linger.after(Linger::kFullLook - 1), Linger::kPausesMax);
    std::uint32_t pauses = Linger::kPausesDeep;
    for (int look = 0; look < 20; ++look) pauses = linger.after(found(pauses));
    std::uint32_t longest = 0;
    for (int look = 0; look < 1000; ++look) longest = std::max(longest, pauses = linger.after(found(pauses)));
    EXPECT_LE(longest, Linger::kPausesMax) << pauses_each;
    if (pauses_each == 8) {
      EXPECT_LT(pauses, Linger::kPausesMax);
    }
  }
}

TEST(Linger, ALingerThatWasGivenUpIsTriedAgain) {
  Linger linger;
  static_cast<void>(pauses_of(linger, [](std::uint32_t) { return 1U; }));
  std::uint32_t longest = 0;
  std::uint32_t pauses = 0;
  for (std::uint32_t look = 0; look < 2 * 4096; ++look) {
    pauses = linger.after(1 + pauses * 2);
    longest = std::max(longest, pauses);
  }
  EXPECT_GE(longest, Linger::kPausesMax);
}

TEST(Linger, LooksThatLeaveSomethingShortenIt) {
  Linger linger;
  static_cast<void>(pauses_of(linger, [](std::uint32_t pauses) { return 1 + pauses; }));
  EXPECT_GE(linger.after(Linger::kFullLook - 1), Linger::kPausesMax);
  std::uint32_t pauses = linger.after(Linger::kFullLook);
  for (int look = 0; look < 10; ++look) {
    const std::uint32_t next = linger.after(Linger::kFullLook);
    EXPECT_EQ(next, pauses / 2);
    pauses = next;
  }
  EXPECT_EQ(pauses, 0U);
}

TEST(Linger, ALookThatFindsNothingEndsIt) {
  Linger linger;
  static_cast<void>(pauses_of(linger, [](std::uint32_t pauses) { return 1 + pauses * 2; }));
  linger.end();
  EXPECT_LE(linger.after(1), 1U);
}

}  // namespace
}  // namespace headrace
