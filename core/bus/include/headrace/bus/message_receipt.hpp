#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "headrace/port/settle.hpp"

namespace headrace {

/// A message's right to be settled, as the receipt of the event that it became: done when this is destroyed, unless a
/// delivery said otherwise; the worst counts.
/// Threads: unhandled and dead_lettered from any.
class MessageReceipt {
 public:
  MessageReceipt() = default;
  MessageReceipt(Settle&& settle, Settlement dead_lettered)
      : state_(std::make_unique<State>(std::move(settle), dead_lettered)) {}
  MessageReceipt(MessageReceipt&&) noexcept = default;
  MessageReceipt& operator=(MessageReceipt&&) noexcept = default;
  ~MessageReceipt() = default;

  void unhandled() const noexcept { state_->note(Settlement::retry); }
  void dead_lettered() const noexcept { state_->note(state_->dead_lettered); }
  /// Instead of done. Nobody else knows of this receipt.
  void settle(Settlement settlement) noexcept { state_->settle(settlement); }
  /// The same, with a reason where it is reject.
  void settle(Settlement settlement, std::string_view reason) noexcept {
    settlement == Settlement::reject ? state_->settle.reject(reason) : state_->settle(settlement);
  }

 private:
  struct State {
    State(Settle&& of, Settlement when_dead_lettered) : settle(std::move(of)), dead_lettered(when_dead_lettered) {}
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { settle(worst); }
    void note(Settlement settlement) noexcept {
      const std::scoped_lock lock(mutex);
      if (rank(settlement) > rank(worst)) worst = settlement;
    }
    static int rank(Settlement settlement) noexcept {
      return settlement == Settlement::done ? 0 : settlement == Settlement::reject ? 1 : 2;
    }

    Settle settle;
    const Settlement dead_lettered;
    std::mutex mutex;
    Settlement worst = Settlement::done;
  };
  std::unique_ptr<State> state_;
};

}  // namespace headrace
