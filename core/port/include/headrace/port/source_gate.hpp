#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "headrace/port/settlement_inbox.hpp"

namespace headrace {

/// What every source keeps beside its connection: whether it may deliver, and who still has messages of it. For
/// adapters. Threads:  any.
class SourceGate {
 public:
  explicit SourceGate(SettlementInbox::Defers defers = SettlementInbox::Defers::no)
      : inbox_(std::make_shared<SettlementInbox>(defers)) {}
  /// `woken` is called after an answer and after a change, outside of locks: for sources that wait elsewhere than in
  /// the inbox's take(). It may be called after the source has gone. Before open().
  void on_change(std::function<void()> woken) {
    woken_ = std::move(woken);
    inbox_->on_answer(woken_);
  }

  /// With start(): it delivers again after an earlier drain(); a pause stays.
  void open() { change(draining_, false); }
  void set_paused(bool paused) { change(paused_, paused); }
  /// With stop(): nothing more is delivered. Waits until all that is out has its answer, or the deadline; how much
  /// has none.
  [[nodiscard]] std::size_t drain(std::chrono::milliseconds deadline) {
    change(draining_, true);
    (void)inbox_->wait_until_settled(deadline);
    return inbox_->outstanding();
  }
  [[nodiscard]] bool may_deliver() const {
    const std::scoped_lock lock(mutex_);
    return !paused_ && !draining_;
  }
  [[nodiscard]] bool draining() const {
    const std::scoped_lock lock(mutex_);
    return draining_;
  }
  /// How many more may be out when `most` may be; 0 while it may not deliver.
  [[nodiscard]] std::size_t room(std::size_t most) const {
    const std::size_t out = inbox_->outstanding();
    return may_deliver() && out < most ? most - out : 0;
  }
  /// Shared with every Settle.
  [[nodiscard]] const std::shared_ptr<SettlementInbox>& inbox() const noexcept { return inbox_; }

 private:
  void change(bool& flag, bool value) {
    {
      const std::scoped_lock lock(mutex_);
      flag = value;
    }
    woken_ ? woken_() : inbox_->nudge();
  }

  std::function<void()> woken_;
  const std::shared_ptr<SettlementInbox> inbox_;
  mutable std::mutex mutex_;  ///< the flags
  bool paused_ = false;
  bool draining_ = false;
};

}  // namespace headrace
