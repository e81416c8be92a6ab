#include "headrace/dispatch/idle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace headrace {
namespace {

/// Takes what the test says, on a machine of its own.
struct FakeYield {
  std::uint64_t* took_ns;
  std::uint64_t operator()() const noexcept { return *took_ns; }
};

class IdleTest : public testing::Test {
 protected:
  using Idle = BasicIdle<FakeYield>;

  /// Looks in vain until the worker would park, that one counted.
  int looks_until_park() {
    int looks = 1;
    while (idle_.found_nothing() == Idle::Next::look) ++looks;
    return looks;
  }
  /// What they come to when nothing was found for long.
  int shortest() {
    int looks = looks_until_park();
    for (int again = 0; again < 20; ++again) looks = looks_until_park();
    return looks;
  }
  /// Events that each come with the look of that number, if the worker does not park before.
  void come_at(int look, int events = 8) {
    for (int event = 0; event < events; ++event) {
      int looks = 1;
      while (looks < look && idle_.found_nothing() == Idle::Next::look) ++looks;
      if (looks == look) idle_.found(1);
    }
  }

  std::uint64_t yield_ns_ = 600;
  Idle idle_{Wait::adaptive, FakeYield{&yield_ns_}};
};

// Claim:  a worker spins longer where events come while it spins, and no longer than at first once none come.
TEST_F(IdleTest, SpinsAsLongAsItPays) {
  const int least = shortest();
  come_at(2);
  EXPECT_GE(looks_until_park(), 10 * least);
  EXPECT_EQ(shortest(), least);
}

// Claim:  and where they come while it yields: it is not left to yield for each.
TEST_F(IdleTest, SpinsLongerWhereEventsComeDuringItsYields) {
  const int least = shortest();
  come_at(least - 1);
  EXPECT_GE(looks_until_park(), least * 3 / 2);
  EXPECT_EQ(shortest(), least);
}

// Claim:  where a yield takes long, somebody else wants the core: it spins no more, and parks soon, until one takes
//         short again.
TEST_F(IdleTest, LeavesTheCoreToOthers) {
  const int least = shortest();
  come_at(2);
  yield_ns_ = 50'000;
  EXPECT_GE(looks_until_park(), 10 * least) << "that nobody wanted it was the last that it knew";
  EXPECT_LE(looks_until_park(), 4);
  come_at(2);
  EXPECT_LE(looks_until_park(), 4);
  yield_ns_ = 600;
  static_cast<void>(looks_until_park());
  come_at(2);
  EXPECT_GE(looks_until_park(), 10 * least);
}

}  // namespace
}  // namespace headrace
