#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <type_traits>

#include "headrace/base/result.hpp"
#include "headrace/event/envelope.hpp"
#include "headrace/event/failure_class.hpp"

namespace headrace {

/// What a handler answers for an event: a value, so that it works without exceptions. `void` is done().
///
///   done()                     handled
///   retry()                    again by the subscription's policy
///   retry_after(5s)            again after that
///   retry_at(time)             again at that wall-clock time; one that is over is now
///   dead_letter("no customer") given up
///   park("manual check")       given up, and its key is held until somebody releases it
///   outcome_of(error)          again if that may help, else given up
///
/// Each of the three retries counts as an attempt, and the event is given up when the subscription's policy has no
/// attempt left or its time limit, within(), would be over by then. A subscription that does not say how many
/// attempts there are has one; of those that ask for their time, RetryPolicy::kAskedAttemptsMax.
///
/// The reason is copied, up to kReasonBytesMax bytes of it, so that a text made on the way out may be given.
/// Nothing is allocated.
class [[nodiscard]] Outcome {
 public:
  enum class Kind : std::uint8_t { done, retry, retry_after, retry_at, dead_letter, park };

  Outcome() noexcept {}  // done; not defaulted, so that Outcome{} does not clear the reason either

  static constexpr std::size_t kReasonBytesMax = 108;

  [[nodiscard]] static Outcome done() noexcept { return {}; }
  [[nodiscard]] static Outcome retry(std::string_view reason = {},
                                     FailureClass failure = FailureClass::failed) noexcept {
    return {Kind::retry, failure, 0, reason};
  }
  /// A delay below zero is none.
  [[nodiscard]] static Outcome retry_after(std::chrono::nanoseconds delay, std::string_view reason = {}) noexcept {
    return {Kind::retry_after, FailureClass::failed, delay.count() > 0 ? delay.count() : 0, reason};
  }
  [[nodiscard]] static Outcome retry_at(EventTime time, std::string_view reason = {}) noexcept {
    return {Kind::retry_at, FailureClass::failed, time.time_since_epoch().count(), reason};
  }
  [[nodiscard]] static Outcome dead_letter(std::string_view reason,
                                           FailureClass failure = FailureClass::rejected) noexcept {
    return {Kind::dead_letter, failure, 0, reason};
  }
  [[nodiscard]] static Outcome park(std::string_view reason = {}) noexcept {
    return {Kind::park, FailureClass::rejected, 0, reason};
  }

  [[nodiscard]] Kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool wants_another_try() const noexcept {
    return kind_ != Kind::done && kind_ != Kind::dead_letter && kind_ != Kind::park;
  }
  [[nodiscard]] bool is_done() const noexcept { return kind_ == Kind::done; }
  [[nodiscard]] FailureClass failure() const noexcept { return failure_; }
  /// Lives as long as this object.
  [[nodiscard]] std::string_view reason() const noexcept { return {reason_, reason_bytes_}; }
  /// retry_after only.
  [[nodiscard]] std::chrono::nanoseconds delay() const noexcept { return std::chrono::nanoseconds{when_}; }
  /// retry_at only.
  [[nodiscard]] EventTime time() const noexcept { return EventTime{std::chrono::nanoseconds{when_}}; }

  friend bool operator==(const Outcome& a, const Outcome& b) noexcept {
    return a.kind_ == b.kind_ && a.failure_ == b.failure_ && a.when_ == b.when_ && a.reason() == b.reason();
  }

 private:
  Outcome(Kind kind, FailureClass failure, std::int64_t when, std::string_view reason) noexcept
      : when_(when),
        kind_(kind),
        failure_(failure),
        reason_bytes_(static_cast<std::uint8_t>(std::min(reason.size(), kReasonBytesMax))) {
    if (reason_bytes_ != 0) std::memcpy(reason_, reason.data(), reason_bytes_);
  }

  std::int64_t when_ = 0;  ///< nanoseconds: a delay or a time
  Kind kind_ = Kind::done;
  FailureClass failure_ = FailureClass::none;
  std::uint8_t reason_bytes_ = 0;
  char reason_[kReasonBytesMax];  // not cleared: done() is on the busy path
};
static_assert(std::is_trivially_copyable_v<Outcome> && sizeof(Outcome) == 120);

[[nodiscard]] inline Outcome done() noexcept { return Outcome::done(); }
[[nodiscard]] inline Outcome retry(std::string_view reason = {}) noexcept { return Outcome::retry(reason); }
[[nodiscard]] inline Outcome retry_after(std::chrono::nanoseconds delay, std::string_view reason = {}) noexcept {
  return Outcome::retry_after(delay, reason);
}
[[nodiscard]] inline Outcome retry_at(EventTime time, std::string_view reason = {}) noexcept {
  return Outcome::retry_at(time, reason);
}
[[nodiscard]] inline Outcome dead_letter(std::string_view reason) noexcept { return Outcome::dead_letter(reason); }
[[nodiscard]] inline Outcome park(std::string_view reason = {}) noexcept { return Outcome::park(reason); }

/// For an operating failure: retry() where another try may help, else dead_letter(), with its message.
[[nodiscard]] inline Outcome outcome_of(const Error& error) {
  return error.retry == Error::Retry::maybe ? retry(error.message()) : dead_letter(error.message());
}

/// What a batch handler answers for its span: how many events went well from the front, and what is to happen to
/// the first one that did not. The events behind that one have not been judged: they are handed to the handler
/// again, so that one poison event does not fail its neighbours.
///
///   return done();                                    all went well
///   return BatchOutcome::up_to(i, retry("timeout"));  0 … i - 1 went well, i is retried, i + 1 … come again
///   return retry();                                   nothing is known: the events are settled one by one
class [[nodiscard]] BatchOutcome {
 public:
  static constexpr std::uint32_t kAll = ~std::uint32_t{0};

  /// For the whole span.
  BatchOutcome(Outcome outcome) noexcept
      : went_well_(outcome.is_done() ? kAll : 0), names_one_(false), outcome_(outcome) {}
  [[nodiscard]] static BatchOutcome up_to(std::uint32_t went_well, Outcome next) noexcept {
    return {went_well, next};
  }

  /// How a span of `count` events is to be settled.
  struct Split {
    std::uint32_t done = 0;     ///< from the front
    std::uint32_t settled = 0;  ///< then so many, 0 or 1, by `outcome`
    std::uint32_t again = 0;    ///< the rest: handed over once more, as a span
    bool one_by_one = false;    ///< the rest: handed over as spans of one
  };
  [[nodiscard]] Split split(std::uint32_t count) const noexcept {
    const std::uint32_t done = went_well_ < count ? went_well_ : count;
    if (done == count) return {.done = done};
    // A span of one that failed as a whole has failed: nothing is left to be told apart.
    if (names_one_ || count == 1) {
      // An event that is said to be done is done, wherever it stands.
      if (outcome_.is_done()) return {.done = done + 1, .again = count - done - 1};
      return {.done = done, .settled = 1, .again = count - done - 1};
    }
    return {.again = count, .one_by_one = true};
  }
  [[nodiscard]] const Outcome& outcome() const noexcept { return outcome_; }

 private:
  BatchOutcome(std::uint32_t went_well, Outcome next) noexcept
      : went_well_(went_well), names_one_(true), outcome_(next) {}

  std::uint32_t went_well_;
  bool names_one_;
  Outcome outcome_;
};

}  // namespace headrace
