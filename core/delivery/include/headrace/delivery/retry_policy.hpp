#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string_view>

#include "headrace/base/hash.hpp"

namespace headrace {

/// When a failed event is tried again, and when it is given up. A value: built once, asked by any thread.
///
///   exponential(50ms, 2.0, 5).jitter()     50, 100, 200, 400 ms, each from zero up to that; five tries in all
///   fixed(1s).immediately(2).attempts(10)  two retries at once, then each second; ten tries in all
///   custom({1s, 10s, 1min})                these three, so four tries
///   linear(1s).cap(10s).within(1h)         1, 2, 3, … 10, 10, … seconds, until the hour is over
///
/// Whoever retries may say himself when the next try is: a handler does with retry_after() and retry_at(). That
/// replaces the schedule's delay, and is held to the same limits, attempts and time: may_retry_after().
///
/// Time and randomness are given by the caller; the same arguments answer the same.
class RetryPolicy {
 public:
  using Delay = std::chrono::nanoseconds;
  static constexpr std::uint32_t kUnlimited = std::numeric_limits<std::uint32_t>::max();
  static constexpr std::size_t kCustomDelaysMax = 16;
  static constexpr std::uint32_t kAskedAttemptsMax = 10;  ///< see asked_attempts_max()

  /// The words are those of AWS's architecture blog, "Exponential Backoff And Jitter".
  enum class Jitter : std::uint8_t {
    none,   ///< the delay
    full,   ///< anything from zero to the delay: spreads a storm best
    equal,  ///< half the delay, and anything from zero to the other half: never at once
  };

  /// One attempt and no more, unless the next try's time is asked for: the default of a subscription.
  constexpr RetryPolicy() = default;

  /// No delay at all, `attempts` tries in all.
  [[nodiscard]] static constexpr RetryPolicy immediate(std::uint32_t attempts) {
    return RetryPolicy{Shape::fixed, Delay::zero(), 1.0, attempts};
  }
  [[nodiscard]] static constexpr RetryPolicy fixed(Delay delay, std::uint32_t attempts = kUnlimited) {
    return RetryPolicy{Shape::fixed, delay, 1.0, attempts};
  }
  /// `step`, twice `step`, three times `step`, …
  [[nodiscard]] static constexpr RetryPolicy linear(Delay step, std::uint32_t attempts = kUnlimited) {
    return RetryPolicy{Shape::linear, step, 1.0, attempts};
  }
  /// `base` times `factor` to the power of 0, 1, 2, …
  [[nodiscard]] static constexpr RetryPolicy exponential(Delay base, double factor = 2.0,
                                                         std::uint32_t attempts = kUnlimited) {
    return RetryPolicy{Shape::exponential, base, factor, attempts};
  }
  /// Up to kCustomDelaysMax delays, then the last of them again and again; as many attempts as there are delays
  /// and one, unless attempts() says otherwise.
  [[nodiscard]] static constexpr RetryPolicy custom(std::initializer_list<Delay> delays) {
    RetryPolicy policy{Shape::custom, Delay::zero(), 1.0, static_cast<std::uint32_t>(delays.size()) + 1};
    policy.too_many_ = delays.size() > kCustomDelaysMax;
    for (const Delay delay : delays) {
      if (policy.delays_ < kCustomDelaysMax) policy.custom_[policy.delays_++] = delay;
    }
    return policy;
  }

  /// So many retries without any delay come first.
  [[nodiscard]] constexpr RetryPolicy immediately(std::uint32_t retries) const {
    return with([=](RetryPolicy& policy) { policy.immediate_ = retries; });
  }
  [[nodiscard]] constexpr RetryPolicy jitter(Jitter kind = Jitter::full) const {
    return with([=](RetryPolicy& policy) { policy.jitter_ = kind; });
  }
  /// No delay is longer than this, before jitter.
  [[nodiscard]] constexpr RetryPolicy cap(Delay longest) const {
    return with([=](RetryPolicy& policy) { policy.cap_ = longest; });
  }
  /// How many tries in all, the first one included, whoever says when they are.
  [[nodiscard]] constexpr RetryPolicy attempts(std::uint32_t tries) const {
    return with([=](RetryPolicy& policy) { policy.attempts_ = policy.asked_attempts_ = tries; });
  }
  /// No try is due later than this after the first one failed, whoever says when it is.
  [[nodiscard]] constexpr RetryPolicy within(Delay limit) const {
    return with([=](RetryPolicy& policy) { policy.limit_ = limit; });
  }

  /// What is wrong with the policy, for a ConfigError; empty if nothing is.
  [[nodiscard]] constexpr std::string_view fault() const {
    if (attempts_ == 0) return "a retry policy needs at least one attempt";
    if (base_ < Delay::zero() || cap_ < Delay::zero() || limit_ < Delay::zero()) return "a delay is below zero";
    if (!(factor_ >= 1.0)) return "a backoff's factor is below one";
    if (shape_ == Shape::custom && delays_ == 0) return "a custom backoff has no delays";
    if (too_many_) return "a custom backoff has more than 16 delays";
    for (std::size_t i = 0; i < delays_; ++i) {
      if (custom_[i] < Delay::zero()) return "a delay is below zero";
    }
    return {};
  }

  /// How long to wait after `attempts_made` tries (at least 1), the last of which failed `since_first_failure`
  /// after the first one; `random` is any 64 random bits. None: give up.
  [[nodiscard]] std::optional<Delay> next(std::uint32_t attempts_made, Delay since_first_failure,
                                          std::uint64_t random) const noexcept {
    if (attempts_made >= attempts_) return std::nullopt;
    const Delay delay = jittered(plain_delay(attempts_made), random);
    if (!is_within(since_first_failure, delay)) return std::nullopt;
    return delay;
  }
  /// The same for a delay that does not come from the schedule. False: give up.
  [[nodiscard]] constexpr bool may_retry_after(Delay delay, std::uint32_t attempts_made,
                                               Delay since_first_failure) const noexcept {
    return attempts_made < asked_attempts_ && is_within(since_first_failure, delay);
  }

  /// The delay after so many tries, capped, without jitter and limits.
  [[nodiscard]] Delay plain_delay(std::uint32_t attempts_made) const noexcept {
    const std::uint32_t retry = attempts_made - 1;
    if (retry < immediate_) return Delay::zero();
    const std::uint32_t step = retry - immediate_;
    switch (shape_) {
      case Shape::fixed:
        return std::min(base_, cap_);
      case Shape::linear:
        return scaled(static_cast<double>(step) + 1);
      case Shape::exponential:
        return scaled(std::pow(factor_, static_cast<double>(step)));
      case Shape::custom:
        return delays_ == 0 ? Delay::zero() : std::min(custom_[std::min<std::size_t>(step, delays_ - 1)], cap_);
    }
    return Delay::zero();
  }

  [[nodiscard]] constexpr std::uint32_t attempts_max() const noexcept { return attempts_; }
  /// How many tries there are in all when each is asked for: attempts_max(), but kAskedAttemptsMax of a policy in
  /// which nobody has said how many. "Again in five seconds" is not to be answered by giving up, nor without end.
  [[nodiscard]] constexpr std::uint32_t asked_attempts_max() const noexcept { return asked_attempts_; }

  friend constexpr bool operator==(const RetryPolicy&, const RetryPolicy&) = default;

 private:
  enum class Shape : std::uint8_t { fixed, linear, exponential, custom };

  constexpr RetryPolicy(Shape shape, Delay base, double factor, std::uint32_t attempts)
      : shape_(shape), base_(base), factor_(factor), attempts_(attempts), asked_attempts_(attempts) {}

  template <class Change>
  [[nodiscard]] constexpr RetryPolicy with(Change change) const {
    RetryPolicy policy = *this;
    change(policy);
    return policy;
  }

  [[nodiscard]] constexpr bool is_within(Delay since_first_failure, Delay delay) const noexcept {
    return since_first_failure <= limit_ && delay <= limit_ - since_first_failure;
  }
  [[nodiscard]] Delay scaled(double factor) const noexcept {
    const double ns = static_cast<double>(base_.count()) * factor;
    // Doubles are exact up to 2^53 ns, 104 days; beyond the cap the exact value does not matter.
    return ns < static_cast<double>(cap_.count()) ? Delay{static_cast<Delay::rep>(ns)} : cap_;
  }
  [[nodiscard]] Delay jittered(Delay delay, std::uint64_t random) const noexcept {
    const auto ns = static_cast<std::uint64_t>(delay.count());
    switch (jitter_) {
      case Jitter::none:
        return delay;
      case Jitter::full:
        return Delay{static_cast<Delay::rep>(below(random, ns + 1))};
      case Jitter::equal:
        return Delay{static_cast<Delay::rep>(ns - ns / 2 + below(random, ns / 2 + 1))};
    }
    return delay;
  }
  /// Evenly in [0, bound): the high half of the product of 64 random bits and the bound.
  [[nodiscard]] static std::uint64_t below(std::uint64_t random, std::uint64_t bound) noexcept {
    return static_cast<std::uint64_t>(static_cast<detail::Uint128>(random) * bound >> 64);
  }

  Shape shape_ = Shape::fixed;
  Jitter jitter_ = Jitter::none;
  bool too_many_ = false;
  Delay base_ = Delay::zero();
  double factor_ = 1.0;
  std::uint32_t attempts_ = 1;
  std::uint32_t asked_attempts_ = kAskedAttemptsMax;
  std::uint32_t immediate_ = 0;
  Delay cap_ = Delay::max();
  Delay limit_ = Delay::max();
  std::size_t delays_ = 0;
  std::array<Delay, kCustomDelaysMax> custom_{};
};

/// The policies by name, as subscriptions write them.
[[nodiscard]] constexpr RetryPolicy immediate(std::uint32_t attempts) { return RetryPolicy::immediate(attempts); }
[[nodiscard]] constexpr RetryPolicy fixed(RetryPolicy::Delay delay,
                                          std::uint32_t attempts = RetryPolicy::kUnlimited) {
  return RetryPolicy::fixed(delay, attempts);
}
[[nodiscard]] constexpr RetryPolicy linear(RetryPolicy::Delay step,
                                           std::uint32_t attempts = RetryPolicy::kUnlimited) {
  return RetryPolicy::linear(step, attempts);
}
[[nodiscard]] constexpr RetryPolicy exponential(RetryPolicy::Delay base, double factor = 2.0,
                                                std::uint32_t attempts = RetryPolicy::kUnlimited) {
  return RetryPolicy::exponential(base, factor, attempts);
}
[[nodiscard]] constexpr RetryPolicy custom(std::initializer_list<RetryPolicy::Delay> delays) {
  return RetryPolicy::custom(delays);
}

}  // namespace headrace
