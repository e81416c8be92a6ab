#include "headrace/port/connection_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "gate.hpp"

namespace headrace {
namespace {

/// Serves until it is halted, and counts how often it did.
class LoopUnderTest {
 public:
  explicit LoopUnderTest(ConnectionLoop::Options options = {{}, nullptr, std::chrono::hours(1)})
      : loop_(std::move(options)) {}
  void start() {
    loop_.start([this] {
      loop_.connected();
      serving_.fetch_add(1);
      for (loop_.waker()->begin(); !loop_.halting(); loop_.waker()->begin()) {
        loop_.waker()->wait(-1, std::chrono::hours(1));
      }
      return Status(Nothing{});
    });
    test::yield_until([this, before = served_] { return serving_.load() > before; });
    ++served_;
  }
  ConnectionLoop& loop() { return loop_; }

 private:
  std::atomic<int> serving_{0};
  int served_ = 0;
  ConnectionLoop loop_;
};

// Claim:  any number of threads may halt a loop at once; each returns when its thread has ended, and it starts again.
// Method: four threads at once, many times over; the state after each.
TEST(ConnectionLoops, HaltFromManyThreads) {
  LoopUnderTest tested;
  for (int round = 0; round < 20; ++round) {
    tested.start();
    std::vector<std::jthread> halting;
    for (int i = 0; i < 4; ++i) {
      halting.emplace_back([&] {
        tested.loop().halt();
        EXPECT_EQ(tested.loop().health().get().state, AdapterState::idle);
      });
    }
    halting.clear();
  }
}

// Claim:  a loop may be halted on its own thread: that returns, serving ends, and whoever halts next joins it; or it
//         is started again.
// Method: a serve that halts itself, twice, and once more with a start in place of the second halt.
TEST(ConnectionLoops, HaltOnItsOwnThread) {
  std::atomic<int> served{0};
  ConnectionLoop loop({{}, nullptr, std::chrono::hours(1)});
  const auto halts_itself = [&] {
    loop.halt();
    loop.halt();
    EXPECT_TRUE(loop.halting());
    served.fetch_add(1);
    return Status(Nothing{});
  };
  loop.start(halts_itself);
  test::yield_until([&] { return served.load() == 1 && loop.health().get().state == AdapterState::idle; });
  loop.start(halts_itself);
  loop.halt();
  EXPECT_LE(served.load(), 2);
}

// Claim:  what a serve waits for elsewhere is woken by halt().
// Method: a serve that waits until on_halt was called.
TEST(ConnectionLoops, HaltWakesWhatWaitsElsewhere) {
  std::atomic<bool> told{false};
  ConnectionLoop loop({{}, nullptr, std::chrono::hours(1), [&] { told.store(true); }});
  loop.start([&] {
    test::yield_until([&] { return told.load(); });
    return Status(Nothing{});
  });
  loop.halt();
  EXPECT_TRUE(told.load());
}

// Claim:  who has had no connection for `down_after` is down, whether it never had one or lost it, and goes on trying; a
//         connection ends that, and what breaks sooner is connecting.
// Method: a serve that fails twice, stands, breaks, fails and stands; patience of none, and of a day.
TEST(ConnectionLoops, LongWithoutAConnectionIsDown) {
  using enum AdapterState;
  for (const auto down_after : {std::chrono::milliseconds(0), std::chrono::milliseconds(std::chrono::hours(24))}) {
    std::mutex mutex;
    std::vector<AdapterState> states;
    std::atomic<int> served{0};
    ConnectionLoop loop({.backoff = {std::chrono::milliseconds(1), std::chrono::milliseconds(1)},
                         .on_health =
                             [&](const Health& health) {
                               const std::scoped_lock lock(mutex);
                               states.push_back(health.state);
                             },
                         .down_after = down_after});
    loop.start([&]() -> Status {
      const int round = served.fetch_add(1);
      if (round == 2 || round == 4) loop.connected();
      if (round == 4) {
        for (loop.waker()->begin(); !loop.halting(); loop.waker()->begin()) {
          loop.waker()->wait(-1, std::chrono::hours(1));
        }
      }
      return Error{"away", "test", Error::Retry::maybe};
    });
    test::yield_until([&] { return served.load() == 5 && loop.health().get().state == up; });
    loop.halt();
    const AdapterState away = down_after.count() == 0 ? down : connecting;
    std::vector<AdapterState> expected{connecting, away, up, away, up, idle};
    const std::scoped_lock lock(mutex);
    std::vector<AdapterState> seen;
    for (const AdapterState state : states) {
      if (seen.empty() || seen.back() != state) seen.push_back(state);
    }
    expected.erase(std::unique(expected.begin(), expected.end()), expected.end());
    EXPECT_EQ(seen, expected);
  }
}

}  // namespace
}  // namespace headrace
