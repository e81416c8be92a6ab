#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <utility>

#include "headrace/bus/bus.hpp"

namespace headrace::test {

/// A bus without threads whose time stands still until it is told to go on. Others may publish. Its chance is the same
/// each run: full jitter would let one wait in a hundred last no time.
struct Timed {
  explicit Timed(DeliveryDefaults defaults = {}, DispatcherOptions options = {})
      : bus(with_clock(std::move(options), now_ns), with_seed(std::move(defaults))) {}
  static DeliveryDefaults with_seed(DeliveryDefaults defaults) {
    if (defaults.seed == 0) defaults.seed = 11;
    return defaults;
  }
  static DispatcherOptions with_clock(DispatcherOptions options, const std::atomic<std::uint64_t>& now_ns) {
    options.workers = 0;
    options.time = {
        .steady = [](const void* now) { return static_cast<const std::atomic<std::uint64_t>*>(now)->load(); },
        .wall =
            [](const void* now) {
              return TimeSource::WallTime(
                  std::chrono::nanoseconds(static_cast<const std::atomic<std::uint64_t>*>(now)->load()));
            },
        .self = &now_ns};
    return options;
  }
  void run() {
    while (bus.poll() > 0) {
    }
  }
  void advance(std::chrono::nanoseconds time) {
    now_ns += static_cast<std::uint64_t>(time.count());
    run();
  }

  std::atomic<std::uint64_t> now_ns{1'000'000'000};
  Bus bus;
};

}  // namespace headrace::test
