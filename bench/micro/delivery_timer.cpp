//   10^6 pending timers ──► fire ──► schedule anew        (one thread, a clock that the bench moves)
//
// Questions: what does a timer cost that fires and is scheduled again while 10^6 others wait (hold); one that is
// scheduled and cancelled (cancel); and what does a worker's loop pay for looking at its timers when none is due
// (loop)? The clock moves a millisecond a step and delays are random up to 10 s, so that some 200 timers fire a
// step. Peers: Boost.Asio 1.81's basic_waitable_timer on the same clock, one object a timer as its users write it,
// polled once a step; std::priority_queue of times; for cancel std::set, because a queue cannot. Fires are counted
// and checked.

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <queue>
#include <set>
#include <utility>
#include <vector>

#include "harness/bench.hpp"
#include "headrace/base/hash.hpp"
#include "headrace/delivery/timing_wheel.hpp"

namespace headrace::bench {
namespace {

constexpr std::uint32_t kTimers = 1'000'000;
constexpr std::uint64_t kMs = 1'000'000;
const char* const kAsio = "boost::asio timers 1.81";

/// Random delays from 1 ms to 10 s, the same for every contender.
class Delays {
 public:
  std::uint64_t next() { return kMs + mix64(++state_) % (10'000 * kMs - kMs); }

 private:
  std::uint64_t state_ = 0;
};

/// `step()` moves the clock by a millisecond and answers how many timers fired.
template <class Step>
double time_hold(Context& context, Step&& step) {
  return context.nanoseconds_each([&](std::uint64_t count) {
    std::uint64_t fired = 0;
    const auto start = std::chrono::steady_clock::now();
    while (fired < count) fired += step();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    return took.count() * static_cast<double>(count) / static_cast<double>(fired);
  });
}

double wheel_hold(Context& context) {
  TimingWheel<std::uint64_t> wheel{{.timers_max = kTimers}};
  Delays delays;
  for (std::uint64_t i = 0; i < kTimers; ++i) {
    Context::require(wheel.schedule(delays.next(), std::uint64_t{i}).has_value(), "timer: no room");
  }
  std::uint64_t now = 0;
  const double ns = time_hold(context, [&] {
    now += kMs;
    return wheel.advance(now, [&](std::uint64_t payload) {
      static_cast<void>(wheel.schedule(now + delays.next(), std::move(payload)));
    });
  });
  Context::require(wheel.size() == kTimers, "timer: one was lost");
  return ns;
}

double queue_hold(Context& context) {
  using Timer = std::pair<std::uint64_t, std::uint64_t>;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> queue;
  Delays delays;
  for (std::uint64_t i = 0; i < kTimers; ++i) queue.emplace(delays.next(), i);
  std::uint64_t now = 0;
  const double ns = time_hold(context, [&] {
    now += kMs;
    std::uint64_t fired = 0;
    for (; queue.top().first <= now; ++fired) {
      const std::uint64_t payload = queue.top().second;
      queue.pop();
      queue.emplace(now + delays.next(), payload);
    }
    return fired;
  });
  Context::require(queue.size() == kTimers, "timer: one was lost");
  return ns;
}

/// A clock that stands still but for the bench.
struct BenchClock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BenchClock>;
  [[maybe_unused]] static constexpr bool is_steady = true;
  static inline time_point present{};
  static time_point now() noexcept { return present; }
};
using AsioTimer = boost::asio::basic_waitable_timer<BenchClock>;

BenchClock::duration delay_of(std::uint64_t ns) { return BenchClock::duration{static_cast<std::int64_t>(ns)}; }

struct AsioTimers {
  boost::asio::io_context io{1};
  std::vector<AsioTimer> timers;
  Delays delays;
  std::uint64_t fired = 0;

  explicit AsioTimers() {
    timers.reserve(kTimers);
    for (std::uint32_t i = 0; i < kTimers; ++i) {
      timers.emplace_back(io);
      arm(i);
    }
  }
  void arm(std::uint32_t i) {
    timers[i].expires_after(delay_of(delays.next()));
    timers[i].async_wait([this, i](const boost::system::error_code& error) {
      if (error) return;
      ++fired;
      arm(i);
    });
  }
};

double asio_hold(Context& context) {
  AsioTimers all;
  const double ns = time_hold(context, [&] {
    BenchClock::present += std::chrono::milliseconds{1};
    const std::uint64_t before = all.fired;
    all.io.poll();
    return all.fired - before;
  });
  return ns;
}

HEADRACE_BENCH_ROW("delivery.timer.hold", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  row.ours(wheel_hold);
  row.peer("std::priority_queue", queue_hold, everywhere(1 / 5.0));
  row.peer(kAsio, asio_hold, everywhere(1 / 5.0));
}

template <class Pair>
double time_pairs(Context& context, Pair&& pair) {
  return context.nanoseconds_each([&](std::uint64_t count) {
    const auto start = std::chrono::steady_clock::now();
    for (std::uint64_t i = 0; i < count; ++i) pair();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    return took.count();
  });
}

HEADRACE_BENCH_ROW("delivery.timer.cancel", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  row.ours([](Context& context) {
    TimingWheel<std::uint64_t> wheel{{.timers_max = kTimers + 1}};
    Delays delays;
    for (std::uint64_t i = 0; i < kTimers; ++i) {
      Context::require(wheel.schedule(delays.next(), std::uint64_t{i}).has_value(), "timer: no room");
    }
    std::uint64_t cancelled = 0;
    const double ns = time_pairs(context, [&] {
      const auto token = wheel.schedule(delays.next(), std::uint64_t{7});
      cancelled += wheel.cancel(*token).has_value() ? 1 : 0;
    });
    Context::require(wheel.size() == kTimers && cancelled > 0, "timer: a cancel failed");
    return ns;
  });
  row.peer(
      "std::set",
      [](Context& context) {
        std::set<std::pair<std::uint64_t, std::uint64_t>> set;
        Delays delays;
        for (std::uint64_t i = 0; i < kTimers; ++i) set.emplace(delays.next(), i);
        const double ns = time_pairs(context, [&] { set.erase(set.emplace(delays.next(), kTimers).first); });
        Context::require(set.size() == kTimers, "timer: a cancel failed");
        return ns;
      },
      everywhere(1 / 5.0));
  row.peer(
      kAsio,
      [](Context& context) {
        AsioTimers all;
        AsioTimer timer{all.io};
        std::uint64_t cancelled = 0;
        const double ns = time_pairs(context, [&] {
          timer.expires_after(delay_of(all.delays.next()));
          timer.async_wait([&](const boost::system::error_code& error) { cancelled += error ? 1 : 0; });
          timer.cancel();
          all.io.poll();
        });
        Context::require(cancelled > 0, "timer: a cancel failed");
        return ns;
      },
      everywhere(1 / 5.0));
}

Measure idle_loop(std::uint32_t timers) {
  return [=](Context& context) {
    TimingWheel<std::uint64_t> wheel{{.timers_max = kTimers}};
    Delays delays;
    constexpr std::uint64_t kHour = 3'600'000 * kMs;
    for (std::uint64_t i = 0; i < timers; ++i) {
      Context::require(wheel.schedule(kHour + delays.next(), std::uint64_t{i}).has_value(), "timer: no room");
    }
    std::uint64_t now = 0;
    return time_pairs(context, [&] {
      keep(now);
      now += 100;
      keep(wheel.advance(now, [](std::uint64_t) {}));
    });
  };
}

HEADRACE_BENCH_ROW("delivery.timer.loop", .unit = "ns", .better = Better::lower, .cores = Cores::one) {
  row.ours(idle_loop(kTimers));
  row.peer("headrace with one timer", idle_loop(1), everywhere(1.1));
}

}  // namespace
}  // namespace headrace::bench
