#include "headrace/port/waker.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace headrace {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

struct Wakers : testing::Test {
  Wakers() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0); }
  ~Wakers() override {
    for (const int fd : pair) ::close(fd);
  }
  int pair[2] = {-1, -1};
  Waker waker;
};

// Claim:  a wake between begin() and wait() ends the wait at once, and only that one; what came before begin() ends none.
// Method: waits of hours that return, and one of nothing that could tell what is left over.
TEST_F(Wakers, AWakeSinceBeginEndsTheWait) {
  waker.begin();
  waker.wake();
  EXPECT_FALSE(waker.wait(pair[0], hours(1)));
  waker.begin();
  waker.wake();
  waker.begin();  // looks at what the wake was for
  waker.wake();
  EXPECT_FALSE(waker.wait(pair[0], hours(1)));
  waker.begin();
  EXPECT_FALSE(waker.wait(pair[0], milliseconds(0)));
}

// Claim:  a wait that was ended says of its socket what is true.
// Method: a byte that waits, and a wake before the wait.
TEST_F(Wakers, AWokenWaitStillTellsOfTheSocket) {
  ASSERT_EQ(::send(pair[1], "x", 1, 0), 1);
  waker.begin();
  waker.wake();
  EXPECT_TRUE(waker.wait(pair[0], hours(1)));
}

// Claim:  no wake is lost, whether it comes before the thread waits, while it does, or after.
// Method: two threads take turns many times, each by a wake only; waits of hours.
TEST_F(Wakers, NoWakeIsLost) {
  constexpr int kTurns = 300;
  std::atomic<int> asked{0};
  std::atomic<int> answered{0};
  Waker other;
  std::thread peer([&] {
    for (int turn = 1; turn <= kTurns; ++turn) {
      for (other.begin(); asked.load() < turn; other.begin()) (void)other.wait(-1, hours(1));
      answered.store(turn);
      waker.wake();
    }
  });
  for (int turn = 1; turn <= kTurns; ++turn) {
    asked.store(turn);
    other.wake();
    for (waker.begin(); answered.load() < turn; waker.begin()) (void)waker.wait(-1, hours(1));
  }
  peer.join();
}

}  // namespace
}  // namespace headrace
