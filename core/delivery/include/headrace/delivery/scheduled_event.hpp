#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "headrace/base/atomic.hpp"
#include "headrace/delivery/delivery_options.hpp"
#include "headrace/delivery/timed_work.hpp"
#include "headrace/dispatch/dispatcher.hpp"

namespace headrace {

/// What all scheduled publications of a bus share.
///
/// Ordering: L1 -> L2  a worker publishes nothing more after stop() has begun
class Schedule {
 public:
  explicit Schedule(std::uint64_t events_max) : events_max_(events_max) {}

  /// False: events_max are scheduled. @thread any
  [[nodiscard]] bool enter() noexcept {
    if (pending_.fetch_add(1, std::memory_order_relaxed) < events_max_) return true;  // no partner: a count
    leave();
    return false;
  }
  void leave() noexcept {
    pending_.fetch_sub(1, std::memory_order_relaxed);  // no partner: a count
  }
  [[nodiscard]] std::uint64_t pending() const noexcept {
    return pending_.load(std::memory_order_relaxed);  // no partner: a count
  }
  void close() noexcept {
    closed_.store(true, std::memory_order_release);  // L1 -> L2
  }
  [[nodiscard]] bool closed() const noexcept {
    return closed_.load(std::memory_order_acquire);  // L2 <- L1
  }

 private:
  const std::uint64_t events_max_;
  // Written by whoever schedules, cancels and publishes.
  Atomic<std::uint64_t> pending_{0};
  Atomic<bool> closed_{false};
};

/// An event that is to be published by a worker, once or periodically.
///
/// Ordering: M1 -> M1  one read-modify-write decides whether it is cancelled or published; who cancels sees what the
///                     worker did before
class Publication : public TimedWork, public std::enable_shared_from_this<Publication> {
 public:
  Publication(std::shared_ptr<Schedule> schedule, std::uint64_t due_ns, std::uint64_t period_ns) noexcept
      : due_ns_(due_ns), schedule_(std::move(schedule)), period_ns_(period_ns) {}

  void due(DeliveryAgent& agent) override;
  void bus_stopped() override {}

  /// True: this call ended it; false: it has ended, or is being published for the only time. @thread any
  bool end() noexcept { return ended_from(State::pending); }
  [[nodiscard]] bool pending() const noexcept {
    return state_.load(std::memory_order_relaxed) != State::ended;  // no partner: a glance
  }
  [[nodiscard]] std::uint64_t due_ns() const noexcept { return due_ns_; }

 protected:
  virtual PublishResult publish(PublisherState& as) = 0;
  [[nodiscard]] bool is_periodic() const noexcept { return period_ns_ != 0; }

 private:
  enum class State : std::uint8_t { pending, publishing, ended };
  bool moved(State from, State to) noexcept {
    return state_.compare_exchange_strong(from, to, std::memory_order_acq_rel,  // M1
                                          std::memory_order_relaxed);           // no partner: it lost
  }

  bool ended_from(State from) noexcept {
    if (!moved(from, State::ended)) return false;
    schedule_->leave();
    return true;
  }

  std::uint64_t due_ns_;  ///< the worker's
  const std::shared_ptr<Schedule> schedule_;
  const std::uint64_t period_ns_;
  Atomic<State> state_{State::pending};
};

template <Event T>
class PublicationOf final : public Publication {
 public:
  template <class U>
  PublicationOf(std::shared_ptr<Schedule> schedule, std::uint64_t due_ns, std::uint64_t period_ns,
                const std::optional<PublishOptions>& options, U&& event)
      : Publication(std::move(schedule), due_ns, period_ns), options_(options), event_(std::forward<U>(event)) {}

 private:
  PublishResult publish(PublisherState& as) override {
    if constexpr (std::is_copy_constructible_v<T>) {
      if (is_periodic()) return publish(as, T(event_));
    }
    return publish(as, std::move(event_));
  }
  PublishResult publish(PublisherState& as, T&& event) const {
    if (!options_) return as.publish<T>(std::move(event));
    return as.publish_with<T>(as.meta_of(*options_, nullptr), std::move(event));
  }

  const std::optional<PublishOptions> options_;  ///< none: the event carries no meta
  T event_;
};

/// What publish_after, publish_at and publish_every answer: whether the event is scheduled, and how to take it
/// back. Letting it go changes nothing. Threads: any.  Lifetime: may outlive the bus.
class [[nodiscard]] ScheduledEvent {
 public:
  explicit ScheduledEvent(PublishStatus status) noexcept : status_(status) {}
  ScheduledEvent(std::shared_ptr<Publication> publication, const std::shared_ptr<Dispatcher>& dispatcher,
                 DeliveryAgent& agent) noexcept
      : publication_(std::move(publication)), dispatcher_(dispatcher), agent_(&agent) {}

  /// False: not scheduled; status() says why: `full` (scheduled_max wait already) or `closed`. The event is gone.
  explicit operator bool() const noexcept { return publication_ != nullptr; }
  [[nodiscard]] PublishStatus status() const noexcept { return status_; }
  [[nodiscard]] bool pending() const noexcept { return publication_ != nullptr && publication_->pending(); }
  /// True: this call took it back, and it is not published; of a periodic one, not again after the one that may be
  /// under way. False: it was published, or cancelled before.
  bool cancel();

 private:
  PublishStatus status_ = PublishStatus::published;
  std::shared_ptr<Publication> publication_;
  std::weak_ptr<Dispatcher> dispatcher_;
  DeliveryAgent* agent_ = nullptr;
};

/// Hands the publication to the worker that is to publish it.
[[nodiscard]] ScheduledEvent schedule_publication(std::shared_ptr<Publication> publication,
                                                  const std::shared_ptr<Dispatcher>& dispatcher,
                                                  std::uint64_t key_hash, const DeliveryDefaults& defaults);

}  // namespace headrace
