#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <limits>

namespace headrace {

struct CircuitBreakerOptions {
  std::uint32_t failures_in_a_row = 0;  ///< opens after so many; 0: does not count them
  double failure_ratio = 0;             ///< opens when so large a part of the window failed; 0: does not look
  std::uint32_t calls_min = 20;         ///< failure_ratio says nothing about fewer calls
  std::chrono::nanoseconds window = std::chrono::seconds{10};  ///< of failure_ratio, in ten steps
  std::chrono::nanoseconds open_for =
      std::chrono::seconds{30};  ///< then one probe; also how long a probe may take
};

/// Stops calling what fails. Closed: everything runs. Open: nothing runs for `open_for`. Half-open: one event, the
/// probe, runs; it closes the breaker or opens it again. A probe that never answers is given up after `open_for`.
///
/// Failures are tries that threw or are to be made again. A verdict on the event, to dead-letter or to park it, says
/// nothing of what the handler calls: it is not counted, and a probe that ends so lets the next event probe.
///
/// Every answer is counted by the permit it ran with: what started before the breaker opened neither closes it nor
/// opens it anew, however late it ends.
/// Threads: one owner. Time: passed in.  Allocates: nothing.
class CircuitBreaker {
 public:
  enum class State : std::uint8_t { closed, open, half_open };

  /// What an event that may run must hand back with its answer.
  struct Permit {
    bool may_run = false;
    std::uint64_t period = 0;
  };

  explicit CircuitBreaker(CircuitBreakerOptions options) noexcept : options_(options) {}

  [[nodiscard]] Permit ask(std::uint64_t now_ns) noexcept {
    if (state_ == State::closed) return {true, period_};
    if (now_ns < opens_ns_) return {false, period_};
    state_ = State::half_open;
    opens_ns_ = later(now_ns);
    return {true, ++period_};
  }

  void succeeded(Permit permit, std::uint64_t now_ns) noexcept {
    if (!counts(permit)) return;
    if (state_ == State::half_open) {
      close();
      return;
    }
    in_a_row_ = 0;
    ++bucket(now_ns).calls;
  }
  void failed(Permit permit, std::uint64_t now_ns) noexcept {
    if (!counts(permit)) return;
    if (state_ == State::half_open) {
      open(now_ns);
      return;
    }
    ++in_a_row_;
    Bucket& now = bucket(now_ns);
    ++now.calls;
    ++now.failures;
    if (too_many()) open(now_ns);
  }

  /// The event's end says nothing. True: it was the probe's, and the next one may run now.
  bool abstained(Permit permit, std::uint64_t now_ns) noexcept {
    if (!counts(permit) || state_ != State::half_open) return false;
    ++period_;
    opens_ns_ = now_ns;
    return true;
  }

  [[nodiscard]] State state() const noexcept { return state_; }
  /// Until when nothing runs, for a timer; zero while closed.
  [[nodiscard]] std::uint64_t asks_again_ns() const noexcept { return state_ == State::closed ? 0 : opens_ns_; }

 private:
  static constexpr std::uint64_t kBuckets = 10;
  struct Bucket {
    std::uint64_t step = 0;
    std::uint64_t calls = 0;
    std::uint64_t failures = 0;
  };

  [[nodiscard]] bool counts(Permit permit) const noexcept {
    return permit.may_run && permit.period == period_ && state_ != State::open;
  }
  [[nodiscard]] std::uint64_t later(std::uint64_t now_ns) const noexcept {
    const auto open_for = static_cast<std::uint64_t>(options_.open_for.count());
    constexpr std::uint64_t kEnd = std::numeric_limits<std::uint64_t>::max();
    return open_for > kEnd - now_ns ? kEnd : now_ns + open_for;
  }
  /// The present tenth of the window, emptied if it is from an earlier turn.
  [[nodiscard]] Bucket& bucket(std::uint64_t now_ns) noexcept {
    const auto length = static_cast<std::uint64_t>(options_.window.count()) / kBuckets;
    step_ = length == 0 ? now_ns : now_ns / length;
    Bucket& bucket = buckets_[step_ % kBuckets];
    if (bucket.step != step_) bucket = {.step = step_};
    return bucket;
  }
  [[nodiscard]] bool too_many() const noexcept {
    if (options_.failures_in_a_row != 0 && in_a_row_ >= options_.failures_in_a_row) return true;
    if (!(options_.failure_ratio > 0)) return false;
    std::uint64_t calls = 0;
    std::uint64_t failures = 0;
    for (const Bucket& bucket : buckets_) {
      if (bucket.step + kBuckets <= step_) continue;
      calls += bucket.calls;
      failures += bucket.failures;
    }
    return calls >= options_.calls_min &&
           static_cast<double>(failures) >= options_.failure_ratio * static_cast<double>(calls);
  }
  void open(std::uint64_t now_ns) noexcept {
    state_ = State::open;
    ++period_;
    opens_ns_ = later(now_ns);
  }
  void close() noexcept {
    state_ = State::closed;
    ++period_;
    in_a_row_ = 0;
    buckets_ = {};
  }

  CircuitBreakerOptions options_;
  State state_ = State::closed;
  std::uint64_t period_ = 1;    ///< of one state; permits of earlier ones do not count
  std::uint64_t opens_ns_ = 0;  ///< open, half-open: when the next probe may run
  std::uint32_t in_a_row_ = 0;
  std::uint64_t step_ = 0;
  std::array<Bucket, kBuckets> buckets_{};
};

}  // namespace headrace
