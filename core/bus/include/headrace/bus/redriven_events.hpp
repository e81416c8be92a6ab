#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "headrace/event/event_id.hpp"
#include "headrace/port/settle.hpp"

namespace headrace {

/// What became of events that were published again for the sake of their dead letters: a letter may go when all
/// handlers of its event have settled it, not before.
/// Threads: any.
class RedrivenEvents final : public SettlementTarget, public std::enable_shared_from_this<RedrivenEvents> {
 public:
  enum class State : std::uint8_t { unknown, under_way, settled, unhandled };

  /// From now on the event is under way, until the answer is used: anything but retry settles it.
  [[nodiscard]] Settle begin(EventId event) {
    const std::scoped_lock lock(mutex_);
    events_.push_back({++last_tag_, event, State::under_way});
    return {shared_from_this(), last_tag_};
  }
  /// Of one that has ended this is told once; then it is unknown.
  [[nodiscard]] State ask(EventId event) {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(events_, event, &Entry::event);
    if (found == events_.end()) return State::unknown;
    const State state = found->state;
    if (state != State::under_way) events_.erase(found);
    return state;
  }

 private:
  struct Entry {
    std::uint64_t tag;
    EventId event;
    State state;
  };
  void settle(std::uint64_t tag, Settlement settlement) noexcept override {
    const std::scoped_lock lock(mutex_);
    const auto found = std::ranges::find(events_, tag, &Entry::tag);
    if (found != events_.end()) found->state = settlement == Settlement::retry ? State::unhandled : State::settled;
  }

  std::mutex mutex_;
  std::uint64_t last_tag_ = 0;  // behind mutex_
  std::vector<Entry> events_;   // behind mutex_: one for each redrive that is at such a letter
};

}  // namespace headrace
