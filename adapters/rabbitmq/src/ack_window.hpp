#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace headrace::rabbitmq {

/// Which deliveries of a channel are unsettled, so that one frame acknowledges all up to the first that is.
/// @thread one
class AckWindow {
 public:
  struct Acks {
    std::uint64_t up_to = 0;            ///< acknowledge all up to it; 0: none
    std::vector<std::uint64_t> single;  ///< beyond the first that is unsettled, one by one
  };

  /// Tags come as the server numbers them: 1, 2, 3 and so on.
  void deliver() { window_.push_back(State::out); }
  /// Settled otherwise than by an acknowledgement.
  void forget(std::uint64_t tag) { window_[index(tag)] = State::told; }
  /// The acknowledgements to send for these, each delivered and not settled before.
  [[nodiscard]] Acks acknowledge(std::span<const std::uint64_t> tags) {
    Acks acks;
    for (const std::uint64_t tag : tags) window_[index(tag)] = State::done;
    for (; !window_.empty() && window_.front() != State::out; window_.pop_front(), ++first_) {
      if (window_.front() == State::done) acks.up_to = first_;
    }
    for (const std::uint64_t tag : tags) {
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
};

}  // namespace headrace::rabbitmq
