#include "headrace/delivery/timing_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "counted.hpp"

namespace headrace {
namespace {

constexpr std::uint64_t kMs = 1'000'000;

using Wheel = TimingWheel<std::uint64_t>;
using Fired = std::vector<std::uint64_t>;

Fired advance(Wheel& wheel, std::uint64_t now_ns, std::uint32_t fires_max = ~0U) {
  Fired fired;
  const std::uint32_t count = wheel.advance(
      now_ns, [&](std::uint64_t payload) { fired.push_back(payload); }, fires_max);
  EXPECT_EQ(count, fired.size());
  return fired;
}

TimerToken schedule(Wheel& wheel, std::uint64_t due_ns, std::uint64_t payload) {
  const auto token = wheel.schedule(due_ns, std::move(payload));
  EXPECT_TRUE(token.has_value());
  return token.value_or(TimerToken{});
}

/// The same promises by the plainest means: timers by due tick, then by the order scheduled.
struct WheelModel {
  std::multimap<std::uint64_t, std::uint64_t> pending;  // inserts equal keys in order

  static std::uint64_t tick_of(std::uint64_t due_ns) { return (due_ns + kMs - 1) / kMs; }
  Fired advance(std::uint64_t now_ns) {
    Fired fired;
    const auto end = pending.upper_bound(now_ns / kMs);
    for (auto at = pending.begin(); at != end; ++at) fired.push_back(at->second);
    pending.erase(pending.begin(), end);
    return fired;
  }
};

// Claim:  the wheel fires exactly what a sorted map fires, in the same order, through schedules, cancels, small
//         steps and far jumps; next_due_ns is never later than the next timer.
// Method: 40 seeds of 600 random operations each, with delays of every magnitude from a tick to years.
TEST(TimingWheel, AgreesWithASortedMap) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    std::mt19937_64 random{seed};
    std::uint64_t now = random() % (std::uint64_t{1} << (seed % 50));
    Wheel wheel{{.timers_max = 512}, now};
    WheelModel model;
    std::vector<std::pair<TimerToken, std::uint64_t>> tokens;
    std::uint64_t serial = 0;
    for (int step = 0; step < 600; ++step) {
      const std::uint64_t kind = random() % 8;
      if (kind < 4 && wheel.size() < wheel.capacity()) {
        const std::uint64_t due = now + kMs + random() % (kMs << (random() % 36));
        tokens.emplace_back(schedule(wheel, due, ++serial), serial);
        model.pending.emplace(WheelModel::tick_of(due), serial);
      } else if (kind == 4 && !tokens.empty()) {
        const auto [token, number] = tokens[random() % tokens.size()];
        const auto known =
            std::find_if(model.pending.begin(), model.pending.end(),
                         [&, wanted = number](const auto& entry) { return entry.second == wanted; });
        const auto cancelled = wheel.cancel(token);
        ASSERT_EQ(cancelled.has_value(), known != model.pending.end());
        if (known != model.pending.end()) {
          EXPECT_EQ(*cancelled, number);
          model.pending.erase(known);
        }
      } else {
        now += random() % (kMs << (random() % 34));
        ASSERT_EQ(advance(wheel, now), model.advance(now)) << "seed " << seed << " step " << step;
      }
      ASSERT_EQ(wheel.size(), model.pending.size());
      if (!model.pending.empty()) {
        ASSERT_LE(wheel.next_due_ns(), model.pending.begin()->first * kMs);
      }
    }
  }
}

// Claim:  a timer never fires early: it waits for the whole tick in which it is due.
// Method: a due time between two ticks, looked at on both sides, to the nanosecond.
TEST(TimingWheel, NeverFiresEarly) {
  Wheel wheel;
  schedule(wheel, 3 * kMs + 1, 1);
  schedule(wheel, 3 * kMs, 2);
  EXPECT_EQ(advance(wheel, 3 * kMs - 1), Fired{});
  EXPECT_EQ(advance(wheel, 3 * kMs), (Fired{2}));
  EXPECT_EQ(advance(wheel, 4 * kMs - 1), Fired{});
  EXPECT_EQ(advance(wheel, 4 * kMs), (Fired{1}));
}

// Claim:  a token cancels its own timer only: not after it fired, nor the next one in the same node.
// Method: one node, used three times.
TEST(TimingWheel, TokenOfAFiredTimerCancelsNothing) {
  Wheel wheel{{.timers_max = 1}};
  const TimerToken first = schedule(wheel, kMs, 1);
  EXPECT_EQ(advance(wheel, kMs), (Fired{1}));
  EXPECT_FALSE(wheel.cancel(first).has_value());
  const TimerToken second = schedule(wheel, 2 * kMs, 2);
  EXPECT_FALSE(wheel.cancel(first).has_value());
  EXPECT_EQ(wheel.cancel(second), 2U);
  EXPECT_FALSE(wheel.cancel(second).has_value());
  EXPECT_FALSE(wheel.cancel(TimerToken{}).has_value());
  EXPECT_EQ(advance(wheel, 9 * kMs), Fired{});
}

// Claim:  a full wheel refuses and leaves the payload with the caller; a timer that fires has room to come again.
// Method: capacity two, move-only payloads that count themselves.
TEST(TimingWheel, FullWheelRefusesAndLosesNothing) {
  using test::Counted;
  const auto before = Counted::alive.load();
  {
    TimingWheel<Counted> wheel{{.timers_max = 2}};
    EXPECT_TRUE(wheel.schedule(kMs, Counted{1}).has_value());
    EXPECT_TRUE(wheel.schedule(kMs, Counted{2}).has_value());
    Counted third{3};
    EXPECT_FALSE(wheel.schedule(kMs, std::move(third)).has_value());
    EXPECT_EQ(*third.value, 3U);
    int again = 0;
    wheel.advance(
        kMs, [&](Counted&& payload) { again += wheel.schedule(5 * kMs, std::move(payload)).has_value() ? 1 : 0; });
    EXPECT_EQ(again, 2);
  }
  EXPECT_EQ(Counted::alive.load(), before);
}

// Claim:  what a firing timer schedules for now waits for the next advance, so that no advance is endless; what it
//         schedules for later within the advance fires in its turn.
// Method: a timer that schedules itself at its own time, and one that schedules two ticks on.
TEST(TimingWheel, FiringTimersMaySchedule) {
  Wheel wheel;
  schedule(wheel, kMs, 1);
  Fired fired;
  const auto fire = [&](std::uint64_t payload) {
    fired.push_back(payload);
    if (payload == 1) {
      schedule(wheel, kMs, 2);
      schedule(wheel, 3 * kMs, 3);
    }
  };
  EXPECT_EQ(wheel.advance(10 * kMs, fire), 2U);
  EXPECT_EQ(wheel.next_due_ns(), 0U);
  EXPECT_EQ(wheel.advance(10 * kMs, fire), 1U);
  EXPECT_EQ(fired, (Fired{1, 3, 2}));
}

// Claim:  a firing timer may cancel others of the same tick, the next one too.
// Method: the first of four cancels the second and the last.
TEST(TimingWheel, FiringTimersMayCancelTheirNeighbours) {
  Wheel wheel;
  schedule(wheel, kMs, 1);
  const TimerToken second = schedule(wheel, kMs, 2);
  schedule(wheel, kMs, 3);
  const TimerToken last = schedule(wheel, kMs, 4);
  Fired fired;
  wheel.advance(kMs, [&](std::uint64_t payload) {
    fired.push_back(payload);
    if (payload == 1) {
      EXPECT_TRUE(wheel.cancel(second).has_value());
      EXPECT_TRUE(wheel.cancel(last).has_value());
    }
  });
  EXPECT_EQ(fired, (Fired{1, 3}));
  EXPECT_EQ(wheel.size(), 0U);
}

// Claim:  an advance with a limit fires that many and the next ones go on in order, new timers in between
//         included.
// Method: ten timers of two ticks, three a call.
TEST(TimingWheel, LimitedAdvanceGoesOnWhereItStopped) {
  Wheel wheel;
  for (std::uint64_t i = 0; i < 10; ++i) schedule(wheel, (1 + i / 6) * kMs, i);
  EXPECT_EQ(advance(wheel, 5 * kMs, 3), (Fired{0, 1, 2}));
  EXPECT_EQ(wheel.next_due_ns(), 0U);
  EXPECT_EQ(advance(wheel, 5 * kMs, 2), (Fired{3, 4}));
  schedule(wheel, 2 * kMs, 10);
  schedule(wheel, 1 * kMs, 11);
  EXPECT_EQ(advance(wheel, 5 * kMs, 3), (Fired{11, 5, 6}));
  EXPECT_EQ(advance(wheel, 5 * kMs), (Fired{7, 8, 9, 10}));
}

// Claim:  a clock that jumps back does nothing; one that jumps to its end fires all that is due by then.
// Method: jump back, then to the last nanosecond there is.
TEST(TimingWheel, ClockJumps) {
  Wheel wheel{{.timers_max = 8}, 100 * kMs};
  schedule(wheel, 150 * kMs, 1);
  schedule(wheel, ~std::uint64_t{0}, 2);
  EXPECT_EQ(advance(wheel, 120 * kMs), Fired{});
  EXPECT_EQ(advance(wheel, 10 * kMs), Fired{});
  EXPECT_EQ(advance(wheel, 150 * kMs), (Fired{1}));
  EXPECT_EQ(advance(wheel, ~std::uint64_t{0}), (Fired{2}));
  EXPECT_EQ(wheel.next_due_ns(), ~std::uint64_t{0});
}

// Claim:  ticks are what the options say, down to a nanosecond, over many turns of the wheels.
// Method: a nanosecond wheel, timers at powers of 64 and their neighbours.
TEST(TimingWheel, TickOfANanosecond) {
  Wheel wheel{{.timers_max = 64, .tick = std::chrono::nanoseconds{1}}, 5};
  std::vector<std::uint64_t> dues;
  for (std::uint64_t power = 64; power < std::uint64_t{1} << 60; power *= 64) {
    for (const std::uint64_t due : {power - 1, power, power + 1}) dues.push_back(due);
  }
  for (const std::uint64_t due : dues) schedule(wheel, due, due);
  for (const std::uint64_t due : dues) {
    EXPECT_EQ(advance(wheel, due - 1), Fired{});
    EXPECT_EQ(advance(wheel, due), (Fired{due}));
  }
}

// Claim:  drain hands out every pending timer, ready ones too, and the wheel can be used again.
// Method: timers on several wheels and one left over by a limit.
TEST(TimingWheel, DrainTakesAll) {
  Wheel wheel;
  for (std::uint64_t i = 0; i < 5; ++i) schedule(wheel, kMs << (4 * i), i);
  schedule(wheel, kMs, 5);
  EXPECT_EQ(advance(wheel, kMs, 1), (Fired{0}));
  Fired taken;
  wheel.drain([&](std::uint64_t payload) { taken.push_back(payload); });
  std::sort(taken.begin(), taken.end());
  EXPECT_EQ(taken, (Fired{1, 2, 3, 4, 5}));
  EXPECT_EQ(wheel.size(), 0U);
  schedule(wheel, 2 * kMs, 6);
  EXPECT_EQ(advance(wheel, 2 * kMs), (Fired{6}));
}

}  // namespace
}  // namespace headrace
