#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "headrace/base/clock.hpp"
#include "headrace/base/event_count.hpp"

namespace headrace {
namespace {

// Spins for up to `spins` rounds and then parks until the condition holds. Counts how often it parked.
template <class Condition>
std::uint64_t await(EventCount& events, unsigned spins, Condition&& condition) {
  std::uint64_t parked = 0;
  for (;;) {
    for (unsigned i = 0; i < spins; ++i) {
      if (condition()) return parked;
      pause();
    }
    const auto key = events.prepare_wait();
    if (condition()) {
      events.cancel_wait(key);
      return parked;
    }
    events.wait(key);
    ++parked;
  }
}

// Claim:  no wake-up is lost between one notifier and one waiter, parked or about to park.
// Method: two threads hand a number to and fro. The patience before parking varies with the round, so that the
//         notify falls on every step of the other's way to sleep. A lost wake-up stops both: the test times out.
TEST(EventCountStress, PingPongNeverLosesAWakeUp) {
  constexpr std::uint64_t kRounds = 100'000;
  EventCount to_ping;
  EventCount to_pong;
  std::atomic<std::uint64_t> ball{0};
  std::uint64_t pong_parked = 0;
  std::jthread pong([&] {
    for (std::uint64_t round = 1; round < 2 * kRounds; round += 2) {
      pong_parked += await(to_pong, static_cast<unsigned>(round * 7 % 64),
                           [&] { return ball.load(std::memory_order_acquire) == round; });
      ball.store(round + 1, std::memory_order_release);
      to_ping.notify();
    }
  });
  std::uint64_t ping_parked = 0;
  for (std::uint64_t round = 0; round < 2 * kRounds; round += 2) {
    ping_parked += await(to_ping, static_cast<unsigned>(round * 5 % 64),
                         [&] { return ball.load(std::memory_order_acquire) == round; });
    ball.store(round + 1, std::memory_order_release);
    to_pong.notify();
  }
  pong.join();
  EXPECT_EQ(ball.load(), 2 * kRounds);
  RecordProperty("parked", static_cast<int>(ping_parked + pong_parked));
}

// Claim:  several notifiers and several waiters hand over every token, each once.
// Method: four threads add a million tokens to a counter in uneven bursts, three take them one by one and park
//         when there are none; one of the three waits with deadlines so short that it times out all the time. The
//         takers together take exactly what was added. A lost wake-up leaves a taker asleep: the test times out.
TEST(EventCountStress, EveryTokenIsTakenOnce) {
  constexpr std::uint64_t kNotifiers = 4;
  constexpr std::uint64_t kTokensEach = 250'000;
  EventCount events;
  std::atomic<std::uint64_t> available{0};
  std::atomic<std::uint64_t> taken{0};
  std::atomic<bool> closed{false};

  const auto try_take = [&] {
    auto seen = available.load(std::memory_order_acquire);
    while (seen != 0) {
      if (available.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel)) return true;
    }
    return false;
  };
  const auto take_until_closed = [&](bool hurried) {
    std::uint64_t mine = 0;
    for (;;) {
      if (try_take()) {
        ++mine;
        continue;
      }
      const auto key = events.prepare_wait();
      if (try_take()) {
        events.cancel_wait(key);
        ++mine;
      } else if (closed.load(std::memory_order_acquire)) {
        events.cancel_wait(key);
        break;
      } else if (hurried) {
        static_cast<void>(events.wait_until(key, steady_ns() + mine % 1'000));
      } else {
        events.wait(key);
      }
    }
    taken.fetch_add(mine);
  };

  std::vector<std::jthread> takers;
  for (int i = 0; i < 3; ++i) takers.emplace_back(take_until_closed, i == 0);
  {
    std::vector<std::jthread> notifiers;
    for (std::uint64_t n = 0; n < kNotifiers; ++n) {
      notifiers.emplace_back([&, n] {
        for (std::uint64_t i = 0; i < kTokensEach; ++i) {
          available.fetch_add(1, std::memory_order_release);
          events.notify();
          if ((i * (n + 3)) % 97 == 0) std::this_thread::yield();
        }
      });
    }
  }
  closed.store(true, std::memory_order_release);
  events.notify();
  takers.clear();
  EXPECT_EQ(taken.load(), kNotifiers * kTokensEach);
  EXPECT_EQ(available.load(), 0u);
  EXPECT_FALSE(events.had_waiters());
}

}  // namespace
}  // namespace headrace
