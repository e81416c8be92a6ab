#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/port/deadline.hpp"
#include "headrace/port/settle.hpp"

namespace headrace {

/// Takes the answers of any thread and hands them to the source's. For adapters. It lives in a shared_ptr, since a
/// Settle may come after the source has gone.
///
/// Answers to messages of an earlier connection are dropped: renew() begins a new one.
/// Threads: settle, outstanding, wait_until_settled from any; the rest from the source's own.
class SettlementInbox final : public SettlementTarget {
 public:
  struct Answer {
    std::uint64_t tag;
    Settlement settlement;
    std::string reason = {};  ///< of a rejection, where it has one
  };
  static constexpr std::size_t kReasonBytesMax = 1'024;
  /// Whether the source's broker can set messages aside; otherwise Settlement::defer comes out as retry.
  enum class Defers : std::uint8_t { no, yes };

  explicit SettlementInbox(Defers defers = Defers::no) noexcept : defers_(defers) {}

  /// Called after an answer came in, outside of the lock: for sources that wait elsewhere. Before the first issue().
  void on_answer(std::function<void()> woken) { woken_ = std::move(woken); }

  /// One more message is out. Tags must fit into 48 bits and be unique within a connection.
  [[nodiscard]] std::uint64_t issue(std::uint64_t tag) {
    const std::scoped_lock lock(mutex_);
    ++outstanding_;
    return epoch_ << 48 | tag;
  }
  void settle(std::uint64_t tag, Settlement settlement) noexcept override {
    if (settlement == Settlement::defer && defers_ == Defers::no) settlement = Settlement::retry;
    take_answer({tag, settlement});
  }
  void reject(std::uint64_t tag, std::string_view reason) noexcept override {
    // A character of UTF-8 stays whole.
    std::size_t size = std::min(reason.size(), kReasonBytesMax);
    while (size > 0 && size < reason.size() && (static_cast<unsigned char>(reason[size]) & 0xc0U) == 0x80) --size;
    take_answer({tag, Settlement::reject, std::string(reason.substr(0, size))});
  }
  /// What was answered since the last call, in order; waits for the first until the deadline.
  [[nodiscard]] std::vector<Answer> take(std::chrono::milliseconds deadline = std::chrono::milliseconds(0)) {
    std::unique_lock lock(mutex_);
    if (deadline.count() > 0)
      changed_.wait_for(lock, bounded(deadline), [this] { return !answers_.empty() || nudged_; });
    nudged_ = false;
    return std::exchange(answers_, {});
  }
  /// Ends a take() that waits.
  void nudge() {
    {
      const std::scoped_lock lock(mutex_);
      nudged_ = true;
    }
    changed_.notify_all();
  }
  /// The messages that are out belong to a connection that is gone.
  void renew() {
    {
      const std::scoped_lock lock(mutex_);
      epoch_ = (epoch_ + 1) & 0xffff;
      outstanding_ = 0;
      answers_.clear();
    }
    changed_.notify_all();
  }
  [[nodiscard]] std::size_t outstanding() const {
    const std::scoped_lock lock(mutex_);
    return outstanding_;
  }
  [[nodiscard]] bool wait_until_settled(std::chrono::milliseconds deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, bounded(deadline), [this] { return outstanding_ == 0; });
  }

 private:
  void take_answer(Answer answer) noexcept {
    {
      const std::scoped_lock lock(mutex_);
      if (answer.tag >> 48 != epoch_) return;
      answer.tag &= 0xffff'ffff'ffff;
      answers_.push_back(std::move(answer));
      --outstanding_;
    }
    changed_.notify_all();
    if (woken_) woken_();
  }

  const Defers defers_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> woken_;  ///< the same while a message is out
  std::vector<Answer> answers_;
  std::size_t outstanding_ = 0;
  std::uint64_t epoch_ = 0;
  bool nudged_ = false;
};

}  // namespace headrace
