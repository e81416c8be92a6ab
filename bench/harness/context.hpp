#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "harness/threads.hpp"

namespace headrace::bench {

/// Makes the compiler believe that the value is used.
template <class T>
inline void keep(const T& value) noexcept {
  asm volatile("" : : "g"(&value) : "memory");
}

/// What a measurement is given: its processors, and how long it should run. One a contender, kept from run to
/// run, so that the number of operations found in the first run serves the others.
class Context {
 public:
  Context(Cpus cpus, double seconds_per_run) : cpus_(std::move(cpus)), seconds_per_run_(seconds_per_run) {}

  [[nodiscard]] const Cpus& cpus() const { return cpus_; }
  [[nodiscard]] double seconds_per_run() const { return seconds_per_run_; }

  /// Runs the first function on the first cpu and the second on the second; answers the seconds they took.
  double run_pinned(std::function<void()> first, std::function<void()> second) const {
    return seconds_together(cpus_, Placement::pinned, {std::move(first), std::move(second)});
  }
  /// Runs any number of functions, a thread each, wherever the kernel puts them.
  double run_free(const std::vector<std::function<void()>>& functions) const {
    return seconds_together(cpus_, Placement::free, functions);
  }

  /// `run(count)` does `count` operations and answers the seconds they took. Grows the count until a run lasts
  /// long enough, then answers millions of operations a second.
  template <class Run>
  double millions_per_second(Run&& run) {
    const auto [count, seconds] = long_enough(run);
    return static_cast<double>(count) / seconds / 1e6;
  }
  /// The same as nanoseconds an operation.
  template <class Run>
  double nanoseconds_each(Run&& run) {
    const auto [count, seconds] = long_enough(run);
    return seconds * 1e9 / static_cast<double>(count);
  }

  /// A figure beside the measured one, such as a percentile. Its median over the runs goes into the JSON row.
  void note(const std::string& name, double value) { notes_[name].push_back(value); }
  [[nodiscard]] const std::map<std::string, std::vector<double>>& notes() const { return notes_; }

  /// Ends the whole program's success: a figure whose sums do not add up is no figure.
  static void require(bool holds, const char* what) {
    if (!holds) throw std::runtime_error(what);
  }

 private:
  struct Timed {
    std::uint64_t count;
    double seconds;
  };

  template <class Run>
  Timed long_enough(Run& run) {
    for (;;) {
      const double seconds = run(count_);
      // Half the aim is enough: speeds vary from run to run, and a repeated run costs more than a short one.
      if (seconds >= seconds_per_run_ / 2) return {count_, seconds};
      const double missing = seconds_per_run_ / std::max(seconds, 1e-6);
      count_ = static_cast<std::uint64_t>(static_cast<double>(count_) * std::clamp(missing, 2.0, 8.0));
    }
  }

  Cpus cpus_;
  double seconds_per_run_;
  std::uint64_t count_ = 4096;
  std::map<std::string, std::vector<double>> notes_;
};

}  // namespace headrace::bench
