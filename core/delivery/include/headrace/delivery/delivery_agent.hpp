#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "headrace/base/atomic.hpp"
#include "headrace/delivery/apart_calls.hpp"
#include "headrace/delivery/delivery_options.hpp"
#include "headrace/delivery/jitter_random.hpp"
#include "headrace/delivery/pending_event_pool.hpp"
#include "headrace/delivery/timed_work.hpp"
#include "headrace/delivery/timing_wheel.hpp"
#include "headrace/dispatch/worker.hpp"
#include "headrace/dispatch/worker_agent.hpp"

namespace headrace {

/// What delivery does on one worker beside the handlers' calls: fires timers, runs retries, frees keys.
/// Threads:  the worker's, but for post().
/// Ordering: J1 -> J2  the worker sees that something was posted; what it is lies behind the mutex
class DeliveryAgent final : public WorkerAgent {
 public:
  DeliveryAgent(Worker& worker, const DeliveryDefaults& defaults);

  /// The worker's agent; the first call makes it. @thread any
  [[nodiscard]] static DeliveryAgent& of(Dispatcher& dispatcher, unsigned worker,
                                         const DeliveryDefaults& defaults);

  enum class Posted : std::uint8_t { runs, bus_stopped };
  /// Runs `work` on the worker in its next turn, or says that the bus has stopped. False: it had stopped before,
  /// and the work was let go. @thread any
  [[nodiscard]] bool post(std::function<void(Posted)> work);

  std::uint64_t turn() override;
  [[nodiscard]] std::uint64_t next_due_ns() const noexcept override;
  [[nodiscard]] std::uint64_t credit() const noexcept override;
  std::uint64_t abandon() override;
  Thread run_apart(std::uint64_t& ran) override { return apart_.run(ran); }
  [[nodiscard]] bool is_left_behind(const Context& context) const override {
    return watch_slot_.is_left_behind(context);
  }
  [[nodiscard]] bool is_left_behind(const SubscriptionState& subscription, const Context* but) const override {
    return watch_slot_.is_left_behind(subscription, but);
  }
  [[nodiscard]] std::vector<std::string> left_behind() const override { return watch_slot_.left_behind(); }

  /// Runs the event, no earlier than then.
  void schedule(std::uint64_t due_ns, PendingEventPtr event);
  /// When the present call of a handler is over: hands out what waits for the key, or in the line of an open
  /// breaker.
  void release_later(DeliverySite& site, std::uint64_t key) { released_.push_back({&site, key}); }
  void wake_line_at(std::uint64_t due_ns, DeliverySite& site) { start({&site, nullptr, due_ns, Wakes::line}); }
  void send_letters_at(std::uint64_t due_ns, DeliverySite& site) {
    start({&site, nullptr, due_ns, Wakes::letters});
  }

  /// What is not an event that is kept: it has a wheel of its own, and no part in credit().
  void work_at(std::uint64_t due_ns, std::shared_ptr<TimedWork> work);
  void forget_work(TimedWork& work) noexcept {
    if (works_) static_cast<void>(works_->cancel(work.timer));
  }
  std::uint64_t run(PendingEventPtr event);

  /// From now on this site may hold events. It lives until forget_ended() finds its subscription cancelled.
  void enlist(DeliverySite& site);
  /// The event that is being run again, for whoever keeps it longer; null: a new one is run.
  [[nodiscard]] PendingEventPtr take_running() noexcept { return std::move(running_); }
  [[nodiscard]] PendingEvent* running() noexcept { return running_.get(); }
  PendingEvent& set_running(PendingEventPtr event) noexcept { return *(running_ = std::move(event)); }
  void forget_running() noexcept { running_.reset(); }
  [[nodiscard]] ApartCalls& apart() noexcept { return apart_; }

  /// Where they are made. Whoever keeps one for longer than the agent lives keeps the pool as well.
  [[nodiscard]] const std::shared_ptr<PendingEventPool>& pending_events() noexcept { return pending_events_; }

  [[nodiscard]] const EventTypes* event_types() const noexcept { return event_types_.get(); }
  [[nodiscard]] WatchSlot& watch_slot() noexcept { return watch_slot_; }
  [[nodiscard]] Worker& worker() noexcept { return worker_; }
  [[nodiscard]] std::uint64_t now_ns() const { return time_.now_ns(); }
  [[nodiscard]] EventTime wall_time() const { return time_.wall_time(); }
  [[nodiscard]] std::uint64_t random() { return random_(); }
  /// Who claims in a DedupStore: nobody else, in any process.
  [[nodiscard]] DedupOwner owner() const noexcept { return owner_; }
  /// @param may_probe  see BreakerChange
  void report_breaker(const SubscriptionState& subscription, CircuitBreaker::State state, bool may_probe) const;
  [[nodiscard]] bool reports_breakers() const noexcept { return on_breaker_ != nullptr; }

 private:
  struct Released {
    DeliverySite* site;
    std::uint64_t key;
  };
  enum class Wakes : std::uint8_t { event, line, letters };
  /// A retry, or without an event the next look at a breaker's line, or at a store that was full.
  struct Timer {
    DeliverySite* site;
    PendingEventPtr event;
    std::uint64_t due_ns;
    Wakes wakes;
  };
  static constexpr std::uint32_t kRedrivesMax = 1024;  ///< that wait for their rate, beside publications
  static constexpr std::uint32_t kFiresMax = 256;      ///< a turn: other events wait meanwhile

  void start(Timer timer);
  std::uint64_t run_posted(Posted posted);
  std::uint64_t fire(Timer timer);
  std::uint64_t release_all();
  std::uint64_t forget_ended();

  Worker& worker_;
  const TimeSource& time_;
  const DedupOwner owner_ = EventId::make().low;
  std::function<void(const BreakerChange&)> on_breaker_;
  const std::shared_ptr<const EventTypes> event_types_;
  JitterRandom random_;
  const std::shared_ptr<PendingEventPool> pending_events_;
  TimingWheel<Timer> timers_;
  const TimingWheelOptions works_options_;
  std::optional<TimingWheel<std::shared_ptr<TimedWork>>> works_;  ///< made for the first
  std::vector<std::shared_ptr<TimedWork>> works_due_;
  std::deque<Timer> late_;  ///< found the wheel full: they start as soon as it has room
  std::vector<DeliverySite*> sites_;
  std::vector<std::shared_ptr<SubscriptionState>> kept_alive_;  ///< of sites_
  std::vector<Released> released_;
  std::vector<Timer> due_;
  PendingEventPtr running_;
  WatchSlot watch_slot_;
  ApartCalls apart_;

  std::mutex posted_mutex_;
  std::vector<std::function<void(Posted)>> posted_;
  bool bus_stopped_ = false;
  Atomic<bool> has_posted_{false};
};

}  // namespace headrace
