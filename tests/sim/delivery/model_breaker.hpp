#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "headrace/delivery/circuit_breaker.hpp"

namespace headrace::sim {

/// A circuit breaker as its documentation has it: a state, and a list of answers.
struct ModelBreaker {
  using State = CircuitBreaker::State;

  CircuitBreakerOptions options;
  State state = State::closed;
  std::uint64_t asks_again_ns = 0;
  std::uint32_t in_a_row = 0;
  std::vector<std::pair<std::uint64_t, bool>> answers = {};  // in which tenth of a window, and whether it failed

  bool lets_run(std::uint64_t now_ns) {
    if (state == State::closed) return true;
    if (now_ns < asks_again_ns) return false;
    change(State::half_open, now_ns);
    return true;
  }
  void answered(bool failed, std::uint64_t now_ns) {
    if (state == State::open) return;
    if (state == State::half_open) return change(failed ? State::open : State::closed, now_ns);
    in_a_row = failed ? in_a_row + 1 : 0;
    const std::uint64_t step = now_ns / (static_cast<std::uint64_t>(options.window.count()) / 10);
    answers.push_back({step, failed});
    if (failed && too_many(step)) change(State::open, now_ns);
  }
  /// True: the probe said nothing, and the next one may run at once.
  bool abstained(std::uint64_t now_ns) {
    if (state == State::half_open) asks_again_ns = now_ns;
    return state == State::half_open;
  }

 private:
  bool too_many(std::uint64_t step) const {
    if (options.failures_in_a_row != 0 && in_a_row >= options.failures_in_a_row) return true;
    std::uint64_t calls = 0, failures = 0;
    for (const auto& [when, failed] : answers) {
      if (when + 10 > step) ++calls, failures += failed;
    }
    return options.failure_ratio > 0 && calls >= options.calls_min &&
           static_cast<double>(failures) >= options.failure_ratio * static_cast<double>(calls);
  }
  void change(State to, std::uint64_t now_ns) {
    state = to;
    asks_again_ns = now_ns + static_cast<std::uint64_t>(options.open_for.count());
    if (to != State::closed) return;
    in_a_row = 0;
    answers.clear();
  }
};

}  // namespace headrace::sim
