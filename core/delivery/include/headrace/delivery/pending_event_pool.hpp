#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "headrace/delivery/pending_event.hpp"

namespace headrace {

/// The memory of one worker's pending events: what was given back is used again, the latest first, since it is in
/// the cache.
///
/// Threads:   one at a time, the worker's, and who stops the bus after it. It outlives its events.
/// Allocates: when more events are pending than ever before, or than it keeps. One takes about half a KiB.
class PendingEventPool {
 public:
  /// It keeps so many free ones.
  explicit PendingEventPool(std::size_t kept_max) : kept_max_(kept_max) { free_.reserve(kept_max); }
  PendingEventPool(const PendingEventPool&) = delete;
  PendingEventPool& operator=(const PendingEventPool&) = delete;

  [[nodiscard]] PendingEventPtr make() {
    std::unique_ptr<PendingEvent> event;
    if (free_.empty()) {
      event = std::make_unique<PendingEvent>();
      event->home = this;
    } else {
      event = std::move(free_.back());
      free_.pop_back();
    }
    return PendingEventPtr(event.release());
  }

 private:
  friend struct GiveBack;
  void take_back(std::unique_ptr<PendingEvent> event) noexcept {
    if (free_.size() == kept_max_) return;
    event->clear();
    free_.push_back(std::move(event));
  }

  const std::size_t kept_max_;
  std::vector<std::unique_ptr<PendingEvent>> free_;
};

inline void GiveBack::operator()(PendingEvent* event) const noexcept {
  event->home->take_back(std::unique_ptr<PendingEvent>(event));
}

}  // namespace headrace
