#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace headrace::rabbitmq {

/// Which deliveries of a channel are unsettled, so that one frame acknowledges all up to the first that is, and when to
/// send it. An acknowledgement costs the server about as much as a message: one that follows another closely waits for
/// company, so that a server whose messages come in twos and threes is not told of each few.
/// @thread one
class AckWindow {
 public:
  using Clock = std::chrono::steady_clock;
  struct Acks {
    std::uint64_t up_to = 0;            ///< acknowledge all up to it; 0: none
    std::vector<std::uint64_t> single;  ///< beyond the first that is unsettled, one by one
  };
  /// Acknowledgements that are so many go at once,
  static constexpr std::size_t kRun = 64;
  /// and so do those that come so long after the last.
  static constexpr std::chrono::milliseconds kPause{2};

  /// Tags come as the server numbers them: 1, 2, 3 and so on.
  void deliver() { window_.push_back(State::out); }
  /// Settled otherwise than by an acknowledgement.
  void forget(std::uint64_t tag) { window_[index(tag)] = State::told; }
  /// To be acknowledged; delivered and not settled before.
  void done(std::uint64_t tag) {
    window_[index(tag)] = State::done;
    done_.push_back(tag);
  }
  [[nodiscard]] bool any() const noexcept { return !done_.empty(); }
  /// Never so many wait that a server that may have `prefetch` out has few others to send.
  [[nodiscard]] bool due(Clock::time_point now, std::size_t prefetch) const noexcept {
    return any() &&
           (done_.size() >= std::min(kRun, std::max<std::size_t>(1, prefetch / 4)) || now - sent_at_ >= kPause);
  }
  /// The acknowledgements of all that is done.
  [[nodiscard]] Acks take(Clock::time_point now) {
    Acks acks;
    sent_at_ = now;
    for (; !window_.empty() && window_.front() != State::out; window_.pop_front(), ++first_) {
      if (window_.front() == State::done) acks.up_to = first_;
    }
    for (const std::uint64_t tag : std::exchange(done_, {})) {
      if (tag < first_) continue;
      acks.single.push_back(tag);
      forget(tag);
    }
    return acks;
  }

 private:
  enum class State : std::uint8_t { out, done, told };
  [[nodiscard]] std::size_t index(std::uint64_t tag) const noexcept {
    return static_cast<std::size_t>(tag - first_);
  }
  std::uint64_t first_ = 1;
  std::deque<State> window_;
  std::vector<std::uint64_t> done_;
  Clock::time_point sent_at_{};
};

}  // namespace headrace::rabbitmq
