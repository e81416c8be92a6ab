#include "headrace/delivery/timing_wheel.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
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

/// The same promises by the plainest means: timers by due tick, then by the order scheduled; what comes too late
/// first in the next advance.
struct WheelModel {
  struct Timer {
    TimerToken token;
    std::uint64_t number;
  };

  void schedule(std::uint64_t due_ns, Timer timer) {
    const std::uint64_t tick = due_ns / kMs + (due_ns % kMs != 0 ? 1 : 0);
    if (tick <= now) {
      late.push_back(timer);
    } else {
      pending.emplace(tick, timer);  // equal keys stay in order
    }
  }
  /// Its number; none: it is not pending.
  std::optional<std::uint64_t> cancel(TimerToken token) {
    const auto is_it = [&](const Timer& timer) { return timer.token == token; };
    for (std::deque<Timer>* of : {&ready, &late}) {
      const auto at = std::find_if(of->begin(), of->end(), is_it);
      if (at == of->end()) continue;
      const std::uint64_t number = at->number;
      of->erase(at);
      return number;
    }
    const auto at =
        std::find_if(pending.begin(), pending.end(), [&](const auto& entry) { return is_it(entry.second); });
    if (at == pending.end()) return std::nullopt;
    const std::uint64_t number = at->second.number;
    pending.erase(at);
    return number;
  }
  void begin_advance() {
    ready.insert(ready.end(), late.begin(), late.end());
    late.clear();
  }
  /// Whether another one fires within this advance; then the clock is there.
  bool has_due(std::uint64_t target) {
    if (!ready.empty()) return true;
    if (pending.empty() || pending.begin()->first > target) return false;
    now = pending.begin()->first;
    return true;
  }
  std::uint64_t pop() {
    std::uint64_t number = 0;
    if (!ready.empty()) {
      number = ready.front().number;
      ready.pop_front();
    } else {
      number = pending.begin()->second.number;
      pending.erase(pending.begin());
    }
    return number;
  }
  [[nodiscard]] std::size_t size() const { return ready.size() + late.size() + pending.size(); }
  [[nodiscard]] std::uint64_t next_due_ns() const {
    if (!ready.empty() || !late.empty()) return 0;
    return pending.empty() ? ~std::uint64_t{0} : pending.begin()->first * kMs;
  }

  std::uint64_t now = 0;  ///< in ticks
  std::deque<Timer> ready, late;
  std::multimap<std::uint64_t, Timer> pending;
};

/// A wheel and its model under the same random operations.
class WheelAndModel {
 public:
  WheelAndModel(std::uint64_t seed, std::uint64_t start_ns)
      : random_(seed), now_(start_ns), wheel_({128}, start_ns) {
    model_.now = start_ns / kMs;
  }

  void step() {
    const std::uint64_t kind = random_() % 8;
    if (kind < 4) {
      schedule();
    } else if (kind == 4) {
      cancel();
    } else {
      advance();
    }
    ASSERT_EQ(wheel_.size(), model_.size());
    ASSERT_LE(wheel_.next_due_ns(), model_.next_due_ns());
  }

 private:
  /// In delays of every magnitude, some in the past, many of the same tick.
  void schedule() {
    std::uint64_t due = now_ + random_() % (kMs << (random_() % 36));
    if (random_() % 4 == 0) due = now_ - std::min(now_, random_() % (100 * kMs));
    if (random_() % 4 == 0) due = last_due_;
    last_due_ = due;
    const bool is_full = model_.size() == wheel_.capacity();
    const auto token = wheel_.schedule(due, std::uint64_t{++serial_});
    ASSERT_EQ(token.has_value(), !is_full);
    if (!token) return;
    model_.schedule(due, {*token, serial_});
    tokens_.push_back(*token);
  }
  /// Of all there ever were: most have fired.
  void cancel() {
    if (tokens_.empty()) return;
    const std::size_t lately = std::min<std::size_t>(tokens_.size(), 200);
    const TimerToken token = tokens_[tokens_.size() - 1 - random_() % lately];
    ASSERT_EQ(wheel_.cancel(token), model_.cancel(token));
  }
  /// Now and then by a clock that has jumped back.
  void advance() {
    now_ += random_() % (kMs << (random_() % 34));
    const std::uint64_t back = random_() % 8 == 0 ? random_() % (1'000 * kMs) : 0;
    const std::uint64_t now = now_ - std::min(now_, back);
    const std::uint64_t target = now / kMs;
    const auto fires_max = random_() % 3 == 0 ? static_cast<std::uint32_t>(random_() % 20) : ~0U;
    const bool looks = now >= wheel_.next_due_ns();
    if (looks) model_.begin_advance();
    const std::uint32_t fired = wheel_.advance(
        now,
        [&](std::uint64_t number) {
          ASSERT_TRUE(model_.has_due(target));
          ASSERT_EQ(number, model_.pop());
          if (random_() % 4 == 0) schedule();
          if (random_() % 8 == 0) cancel();
        },
        fires_max);
    ASSERT_LE(fired, fires_max);
    if (model_.has_due(target)) {
      ASSERT_EQ(fired, fires_max);
    } else if (looks) {
      model_.now = std::max(model_.now, target);
    }
  }

  std::mt19937_64 random_;
  std::uint64_t now_;
  Wheel wheel_;
  WheelModel model_;
  std::vector<TimerToken> tokens_;
  std::uint64_t serial_ = 0;
  std::uint64_t last_due_ = 0;
};

// Claim:  the wheel fires exactly what a sorted map fires, in the same order, through schedules, cancels, small
//         steps and far jumps, with and without a limit, while full, and with all of that also done by firing
//         timers; next_due_ns is never later than the next timer.
// Method: 60 seeds of 1,000 random operations each, from clocks of every magnitude.
TEST(TimingWheel, AgreesWithASortedMap) {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    WheelAndModel both(seed, std::mt19937_64{seed}() % (std::uint64_t{1} << (seed % 60)));
    for (int step = 0; step < 1'000; ++step) {
      ASSERT_NO_FATAL_FAILURE(both.step()) << "seed " << seed << " step " << step;
    }
  }
}

// Claim:  timers of one tick fire in the order scheduled, also those that came from far and moved down together with
//         others, and with cancelled ones between them.
// Method: 1,000 timers for the same minute, each with one for another time; every third is cancelled.
TEST(TimingWheel, EqualDuesKeepTheirOrder) {
  Wheel wheel;
  constexpr std::uint64_t kMinute = 60'000 * kMs;
  std::vector<TimerToken> tokens;
  Fired expected;
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    tokens.push_back(schedule(wheel, kMinute, i));
    schedule(wheel, kMinute + (1 + i) * kMs, 1'000'000);
    if (i % 3 != 0) expected.push_back(i);
    if (i % 100 == 99) advance(wheel, i * 40 * kMs);
  }
  for (std::uint64_t i = 0; i < 1'000; i += 3) EXPECT_EQ(wheel.cancel(tokens[i]), i);
  EXPECT_EQ(advance(wheel, kMinute - 1), Fired{});
  EXPECT_EQ(advance(wheel, kMinute), expected);
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

// Claim:  a token cancels its own timer only: not after it fired, nor the next one of the same number.
// Method: one number, used three times.
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

// Claim:  what comes too late fires first in the next advance, also before what a slot of a higher wheel has left.
// Method: two timers at the start of such a slot, one of them left over by a limit; found by AgreesWithASortedMap.
TEST(TimingWheel, LateTimersPassWhatAHigherWheelLeft) {
  Wheel wheel;
  schedule(wheel, 256 * kMs, 1);
  schedule(wheel, 256 * kMs, 2);
  EXPECT_EQ(advance(wheel, 256 * kMs, 1), (Fired{1}));
  schedule(wheel, 100 * kMs, 3);
  EXPECT_EQ(advance(wheel, 256 * kMs), (Fired{3, 2}));
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

// Claim:  drain hands out every pending timer, ready ones too, those of one tick in their order, and the wheel can be
//         used again.
// Method: timers on several wheels and two left over by a limit.
TEST(TimingWheel, DrainTakesAll) {
  Wheel wheel;
  for (std::uint64_t i = 0; i < 5; ++i) schedule(wheel, kMs << (4 * i), i);
  schedule(wheel, kMs, 5);
  schedule(wheel, kMs, 6);
  EXPECT_EQ(advance(wheel, kMs, 1), (Fired{0}));
  Fired taken;
  wheel.drain([&](std::uint64_t payload) { taken.push_back(payload); });
  EXPECT_LT(std::find(taken.begin(), taken.end(), 5), std::find(taken.begin(), taken.end(), 6));
  std::sort(taken.begin(), taken.end());
  EXPECT_EQ(taken, (Fired{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(wheel.size(), 0U);
  EXPECT_EQ(wheel.next_due_ns(), ~std::uint64_t{0});
  schedule(wheel, 2 * kMs, 7);
  EXPECT_EQ(advance(wheel, 2 * kMs), (Fired{7}));
}

}  // namespace
}  // namespace headrace
