#include "headrace/base/clock.hpp"

#include <cmath>
#include <ctime>
#include <limits>

namespace headrace {
namespace {

std::uint64_t fixed_point(double factor) noexcept {
  return static_cast<std::uint64_t>(std::llround(std::ldexp(factor, 32)));
}

#if defined(__aarch64__)

double find_cycles_per_second() noexcept {
  std::uint64_t frequency;
  asm volatile("mrs %0, cntfrq_el0" : "=r"(frequency));
  return static_cast<double>(frequency);
}

#else

struct Reading {
  std::uint64_t count;
  std::uint64_t ns;
};

// Both clocks at one instant: of several tries the one whose counter reads enclose the other clock most tightly,
// which is one that was not interrupted.
Reading read_both() noexcept {
  Reading best{};
  auto tightest = std::numeric_limits<std::uint64_t>::max();
  for (int attempt = 0; attempt < 32; ++attempt) {
    const auto before = cycles();
    const auto ns = steady_ns();
    const auto after = cycles();
    if (after - before < tightest) {
      tightest = after - before;
      best = {before + (after - before) / 2, ns};
    }
  }
  return best;
}

double find_cycles_per_second() noexcept {
  constexpr std::uint64_t kMeasureNs = 5'000'000;
  const auto start = read_both();
  const timespec pause_for{0, kMeasureNs};
  ::nanosleep(&pause_for, nullptr);
  while (steady_ns() - start.ns < kMeasureNs) {
  }
  const auto end = read_both();
  return static_cast<double>(end.count - start.count) * 1e9 / static_cast<double>(end.ns - start.ns);
}

#endif

}  // namespace

std::uint64_t steady_ns() noexcept {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

CycleClock::CycleClock(double cycles_per_second) noexcept
    : cycles_per_second_(cycles_per_second),
      ns_per_cycle_(fixed_point(1e9 / cycles_per_second)),
      cycles_per_ns_(fixed_point(cycles_per_second / 1e9)) {}

const CycleClock& CycleClock::machine() {
  static const CycleClock clock{find_cycles_per_second()};
  return clock;
}

}  // namespace headrace
