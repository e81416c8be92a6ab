#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/base/cache_line.hpp"
#include "headrace/dispatch/subscription_state.hpp"

namespace headrace {

/// The handlers behind a tag: one a group. Immutable; replaced as a whole.
///
/// Beside the subscriptions stand rows with all that a worker needs to run one, because a frame with one event
/// costs about as much as following pointers to them would. The first row lies in the list itself: mostly there is
/// no other.
class alignas(kCacheLineBytes) HandlerList {
 public:
  using Subscriptions = std::vector<std::shared_ptr<SubscriptionState>>;

  struct Row {
    SubscriptionState::Invoke invoke = nullptr;
    void* handler = nullptr;
    SubscriptionState* subscription = nullptr;
    SubscriptionStats* stats = nullptr;  ///< of worker(); null: there is none
  };

  static constexpr int kNoWorker = -1;

  /// @param worker  that mostly runs them, or kNoWorker
  /// @param plain   their events have no meta and need no destruction
  HandlerList(Subscriptions subscriptions, int worker, bool plain)
      : size_(subscriptions.size()), worker_(worker), alone_on_(plain && size_ == 1 ? worker : kNoWorker) {
    for (std::size_t i = 0; i < size_; ++i) {
      const Row row = row_of(*subscriptions[i], worker);
      if (i == 0) {
        first_ = row;
      } else {
        others_.push_back(row);
      }
    }
    subscriptions_ = std::move(subscriptions);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  /// Of an empty list: an empty one.
  [[nodiscard]] const Row& first() const noexcept { return first_; }
  /// All but the first.
  [[nodiscard]] const std::vector<Row>& others() const noexcept { return others_; }
  /// The row of that group; null: there is none.
  [[nodiscard]] const Row* member_of(std::string_view group) const noexcept {
    if (size_ == 0) return nullptr;
    if (first_.subscription->group == group) return &first_;
    for (const Row& row : others_) {
      if (row.subscription->group == group) return &row;
    }
    return nullptr;
  }
  /// Whose stats the rows name. Another worker that meets the list looks for its own.
  [[nodiscard]] int worker() const noexcept { return worker_; }
  /// The same worker if there is one handler, of plain events: the shortest way of an event. Else kNoWorker.
  [[nodiscard]] int alone_on() const noexcept { return alone_on_; }
  [[nodiscard]] const Subscriptions& subscriptions() const noexcept { return subscriptions_; }

 private:
  static Row row_of(SubscriptionState& subscription, int worker) {
    SubscriptionStats* stats = worker < 0 ? nullptr : subscription.stats[static_cast<std::size_t>(worker)].get();
    return {subscription.invoke, subscription.handler.get(), &subscription, stats};
  }

  std::size_t size_;
  int worker_;
  int alone_on_;
  Row first_;
  std::vector<Row> others_;
  Subscriptions subscriptions_;
};

}  // namespace headrace
