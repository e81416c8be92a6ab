#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "headrace/base/clock.hpp"
#include "headrace/base/result.hpp"
#include "headrace/dispatch/entry_table.hpp"
#include "headrace/dispatch/event_flow.hpp"
#include "headrace/dispatch/handler.hpp"
#include "headrace/dispatch/handler_seat.hpp"
#include "headrace/dispatch/options.hpp"
#include "headrace/dispatch/publisher.hpp"
#include "headrace/dispatch/report.hpp"
#include "headrace/dispatch/retired_routes.hpp"
#include "headrace/dispatch/route_builder.hpp"
#include "headrace/dispatch/subscription.hpp"
#include "headrace/dispatch/topic_table.hpp"
#include "headrace/dispatch/worker.hpp"

namespace headrace {

/// The engine behind Bus: routes, publishers and workers put together. Nothing here is on the way of an event but
/// entry(), publisher_at() and topic look-ups; everything that changes takes the mutex.
class Dispatcher : public std::enable_shared_from_this<Dispatcher> {
 public:
  /// Throws ConfigError for options that cannot be honoured.
  [[nodiscard]] static std::shared_ptr<Dispatcher> create(DispatcherOptions options);
  ~Dispatcher();

  /// @thread any
  template <Event T, class F, class P = dispatch_detail::Always>
  requires HandlerOf<F, T>
  [[nodiscard]] Subscription subscribe(const RoutingOptions& options, F handler, P predicate = {}) {
    using Handler = dispatch_detail::Handler<T, F, P>;
    auto state = describe(options, event_topic<T>(), event_type_id<T>());
    state->copies = std::is_trivially_copyable_v<T>;
    state->handler = own_handler(Handler{std::move(handler), std::move(predicate)});
    state->invoke = &Handler::invoke;
    return add(std::move(state));
  }
  template <class F>
  [[nodiscard]] Subscription subscribe_any(const RoutingOptions& options, F handler) {
    using Handler = dispatch_detail::AnyHandler<F>;
    auto state = describe(options, "#.#", kAnyEventType);  // by AMQP rules, so that `$` topics are seen as well
    state->handler = own_handler(Handler{std::move(handler)});
    state->invoke = &Handler::invoke;
    return add(std::move(state));
  }

  /// For a layer that keeps events: `make(state)` sets the state's handler, invoke and delivery.
  template <Event T, class Make>
  [[nodiscard]] Subscription subscribe_kept(const RoutingOptions& options, Make&& make) {
    auto state = describe(options, event_topic<T>(), event_type_id<T>());
    state->copies = std::is_trivially_copyable_v<T>;
    state->keeps_events = true;
    make(*state);
    return add(std::move(state));
  }
  /// The worker's agent; the first call makes it: make(worker) gives a unique_ptr.
  template <class Make>
  [[nodiscard]] WorkerAgent& agent_of(unsigned worker, Make&& make) {
    const std::lock_guard lock(mutex_);
    Worker& of = *workers_[worker];
    if (of.agent() == nullptr) of.attach(make(of));
    return *of.agent();
  }

  /// @param name  for EventFlow; several may have one name
  [[nodiscard]] Publisher publisher(std::string_view name = {});
  /// This thread's own publisher: a worker's is there already, others are made at their first use and given back
  /// when the thread ends.
  [[nodiscard]] Publisher& thread_publisher();

  void start();
  /// A new thread becomes the worker if `take` says so there: the one before it is in a call that it will find was
  /// left behind. False: stand_ins_max of the worker's threads are in such calls already, the bus ends its workers,
  /// or the machine has no thread left. `take` may be asked after this returned; it lives as long as the worker.
  [[nodiscard]] bool stand_in(unsigned worker, std::function<bool()> take);
  [[nodiscard]] StopReport stop(std::chrono::nanoseconds deadline);
  /// stop() if nobody did, then waits for every worker, however long its handler runs.
  void shut_down() noexcept;
  /// One look by the calling thread, for a bus without workers' threads: how many events were settled.
  std::uint64_t poll(std::uint64_t budget);
  /// The same look by one of its workers.
  std::uint64_t poll_worker(unsigned worker, std::uint64_t budget);
  /// When the worker's agent wants to be polled next, at the latest; the highest value: it waits for nothing.
  [[nodiscard]] std::uint64_t next_due_ns(unsigned worker) const noexcept {
    const WorkerAgent* agent = workers_[worker]->agent();
    return agent == nullptr ? ~std::uint64_t{0} : agent->next_due_ns();
  }
  [[nodiscard]] Snapshot snapshot();
  [[nodiscard]] Ledger ledger();
  [[nodiscard]] EventFlow flow(std::size_t topics_max);

  // The parts' own doors.
  [[nodiscard]] const DispatcherOptions& options() const noexcept { return options_; }
  [[nodiscard]] const CycleClock& clock() const noexcept { return clock_; }
  [[nodiscard]] EventId new_id() const { return options_.make_id ? options_.make_id() : EventId::make(); }
  [[nodiscard]] unsigned worker_count() const noexcept { return workers_wanted_; }
  [[nodiscard]] std::size_t publisher_slots() const noexcept { return publishers_.size(); }
  [[nodiscard]] std::uint64_t high_watermark_bytes() const noexcept { return high_watermark_bytes_; }

  [[nodiscard]] const DispatchEntry& entry(std::uint32_t tag) const noexcept { return entries_.at(tag); }
  [[nodiscard]] PublisherState* publisher_at(std::uint32_t index) const noexcept {
    return publishers_[index].load(std::memory_order_acquire);  // K2 <- K1
  }
  [[nodiscard]] const TopicNode& typed_topic(const EventOps& ops, std::string_view name);
  [[nodiscard]] PublishStatus find_topic(const EventOps& ops, std::string_view name, const TopicNode*& node);
  void ring_doorbell(std::uint32_t worker, std::uint32_t publisher) noexcept {
    workers_[worker]->doorbell().ring(publisher);
  }
  template <class F>
  void each_publisher(F&& visit) const {
    const std::uint32_t made = publishers_made_.load(std::memory_order_acquire);  // K4 <- K3
    for (std::uint32_t i = 0; i < made; ++i) visit(*publisher_at(i));
  }
  /// The event that came after the workers had gone is taken out again, and counted as dropped.
  void withdraw_late(PublisherLane& from) noexcept;
  void wake_any() noexcept;
  void unsubscribe(SubscriptionState& state) noexcept;
  void give_back(PublisherState& state) noexcept;
  /// A publisher for a HandlerSeat. @thread any
  [[nodiscard]] PublisherState& seat_publisher();
  void report_slow_consumer(unsigned worker, std::chrono::nanoseconds waited);
  /// @thread worker
  void tell_watermark(const Watermark& watermark);
  void report_handler_error(const HandlerError& error) noexcept;
  /// Without worker threads a publisher that waited would often wait for itself.
  [[nodiscard]] bool never_blocks() const noexcept { return workers_polled_; }
  [[nodiscard]] bool stopped() const noexcept {
    return stopped_.load(std::memory_order_relaxed);  // no partner: Doze orders it where that matters
  }

  [[nodiscard]] bool has_balanced() const noexcept {
    return has_balanced_.load(std::memory_order_relaxed);  // no partner: a worker that looks late is woken
  }
  [[nodiscard]] bool balanced_waits() const noexcept { return has_balanced() && !balanced_->was_empty(); }
  [[nodiscard]] MpmcRing<BalancedEvent>::Producer balanced_producer();
  [[nodiscard]] MpmcRing<BalancedEvent>::Consumer balanced_consumer() { return balanced_->consumer(); }

 private:
  explicit Dispatcher(DispatcherOptions options);
  void create_workers();
  [[nodiscard]] std::shared_ptr<SubscriptionState> describe(const RoutingOptions& options,
                                                            std::string_view default_filter, EventTypeId type);
  [[nodiscard]] Subscription add(std::shared_ptr<SubscriptionState> state);
  void reroute(const SubscriptionState& changed);
  void replace_route(TopicNode& node, RetiredRoutes::Batch& replaced);
  [[nodiscard]] const TopicNode* learn_topic(const EventOps& ops, std::string_view name, TopicTable::NamedBy by);
  void forget_ended_subscriptions();
  // EventFlow tells of those that are gone.
  void keep_flow(std::string name, const std::vector<std::uint64_t>& events);
  void keep_flow(const SubscriptionState& subscription);
  void keep_flow(PublisherState& publisher);
  [[nodiscard]] PublisherState* new_publisher_state(PublisherState::Owner owner);
  void run_thread(unsigned worker, const std::function<void()>& body);
  [[nodiscard]] bool wait_until_drained(std::uint64_t until_ns);
  [[nodiscard]] bool publishers_are_outside() const noexcept;
  [[nodiscard]] std::vector<std::string> join_workers(std::uint64_t until_ns);
  void wait_for_end_of_calls(const SubscriptionState& state, unsigned worker, const Context* own) const noexcept;
  [[nodiscard]] std::uint64_t in_flight() const noexcept;
  [[nodiscard]] Ledger ledger_of(const SubscriptionState& state) const;
  [[nodiscard]] Ledger counted_locked();
  [[nodiscard]] Ledger ledger_locked();
  [[nodiscard]] std::string running_on(unsigned worker);
  [[nodiscard]] std::vector<const RouteReader*> all_readers() const;
  std::uint64_t abandon_all();
  void close_intake() noexcept;
  const DispatcherOptions options_;
  const CycleClock& clock_;
  const bool workers_polled_;      ///< no threads: poll()
  const unsigned workers_wanted_;  ///< at least one
  std::uint64_t high_watermark_bytes_ = 0;

  std::mutex mutex_;  ///< subscriptions, routes, publishers, life cycle
  enum class Life : std::uint8_t { made, running, stopping, stopped } life_ = Life::made;
  EntryTable entries_;
  TopicTable topics_;
  RouteBuilder routes_;
  RetiredRoutes retired_;
  Ledger ended_subscriptions_;
  std::map<std::string, std::vector<std::uint64_t>> gone_;  ///< who published, and events by TopicNode::number
  std::uint64_t subscriptions_made_ = 0;
  Atomic<bool> stopped_{false};

  std::vector<Atomic<PublisherState*>> publishers_;  ///< by index; the workers' own first
  Atomic<std::uint32_t> publishers_made_{0};
  std::uint32_t program_publishers_made_ = 0;
  std::vector<PublisherState*> publishers_free_;
  std::vector<std::unique_ptr<Worker>> workers_;
  struct WorkerThread {
    unsigned worker;
    std::thread thread;
    Atomic<bool> finished{false};  ///< it is about to end
    explicit WorkerThread(unsigned of) : worker(of) {}
    ~WorkerThread() {
      if (thread.joinable()) thread.join();
    }
  };
  std::vector<int> cpus_;            ///< by worker; empty: they are not pinned
  std::list<WorkerThread> threads_;  ///< more than one of a worker while handlers are left behind
  bool ends_workers_ = false;        ///< nobody stands in any more, so that threads_ stays as it is
  EventCount life_changed_;          ///< a worker's thread is about to end, or the bus has stopped
  std::unique_ptr<MpmcRing<BalancedEvent>> balanced_;
  Atomic<bool> has_balanced_{false};
};

}  // namespace headrace
