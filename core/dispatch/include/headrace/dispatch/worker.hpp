#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "headrace/base/atomic.hpp"
#include "headrace/base/cache_line.hpp"
#include "headrace/dispatch/balanced_event.hpp"
#include "headrace/dispatch/context.hpp"
#include "headrace/dispatch/doorbell.hpp"
#include "headrace/dispatch/publisher_state.hpp"
#include "headrace/dispatch/running_handler.hpp"
#include "headrace/dispatch/subscription_state.hpp"
#include "headrace/dispatch/worker_agent.hpp"
#include "headrace/ring/mpmc_ring.hpp"

namespace headrace {

class Dispatcher;
class HandlerSeat;

/// Drains its lanes, its share of the balanced ring and what waits behind full lanes, and runs handlers.
///
/// Threads:   run() and turn() on the worker's own thread; the rest says @thread any. Which thread that is may change
///            while a handler hangs (see ApartCalls): all it has then passes to the next one.
/// Ordering:  E1 -> E2  the worker sees that it was halted
///            A1 -> A2  the worker sees its agent built
class Worker {
 public:
  Worker(Dispatcher& dispatcher, unsigned index, PublisherState& publisher);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// The thread's body: looks, idles, parks, until halt(), or until another thread is the worker.
  void run();
  /// One look at everything, at most about `budget` events from each source: how many were settled.
  std::uint64_t turn(std::uint64_t budget);
  /// turn(), and behind it the handlers that may be left behind. Where no other thread can become the worker.
  std::uint64_t poll(std::uint64_t budget);
  /// Destroys what is still in lanes and queues: how many deliveries. After the thread ended.
  std::uint64_t abandon_all();
  /// The same for one lane into which an event came after that.
  std::uint64_t withdraw(PublisherLane& from);

  /// @thread any
  void halt() noexcept;
  [[nodiscard]] Doorbell& doorbell() noexcept { return doorbell_; }
  [[nodiscard]] const SubscriptionState* running() const noexcept { return running_.running(); }
  [[nodiscard]] const SingleWriterCounter& balanced_left() const noexcept { return balanced_left_; }
  /// Deliveries that went through run_handlers, whatever came of them.
  [[nodiscard]] const SingleWriterCounter& settled() const noexcept { return settled_; }
  /// Deliveries to nobody: all subscriptions had ended.
  [[nodiscard]] const SingleWriterCounter& unsubscribed() const noexcept { return unsubscribed_; }
  [[nodiscard]] const RouteReader& reader() const noexcept { return reader_; }
  [[nodiscard]] const SingleWriterCounter& abandoned() const noexcept { return abandoned_; }
  [[nodiscard]] unsigned index() const noexcept { return index_; }

  /// The worker whose thread this is, or null.
  [[nodiscard]] static Worker* current() noexcept;
  /// Whether this thread runs a worker of that bus, be it around another bus that a handler runs.
  [[nodiscard]] static bool runs_here(const Dispatcher& bus) noexcept;
  /// While in scope, this thread is the worker: for poll() on a host's thread.
  class Scope {
   public:
    explicit Scope(Worker& worker) noexcept;
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    friend class Worker;
    Worker& worker_;
    Worker* const outer_;
    const Scope* const enclosing_;
  };
  /// While in scope, this thread is no worker.
  class NoneScope {
   public:
    NoneScope() noexcept;
    ~NoneScope();
    NoneScope(const NoneScope&) = delete;
    NoneScope& operator=(const NoneScope&) = delete;

   private:
    Worker* outer_;
  };
  /// The running handler ended its own subscription: destroy it when it returns. @thread worker
  void end_after_run(SubscriptionState& subscription) noexcept {
    ended_inside_ = &subscription;
    tally_.ended = true;
  }
  /// Before or while the worker runs; it stays. @thread under the Dispatcher's mutex
  void attach(std::unique_ptr<WorkerAgent> agent) noexcept {
    agent_owned_ = std::move(agent);
    agent_.store(agent_owned_.get(), std::memory_order_release);  // A1 -> A2
  }
  [[nodiscard]] WorkerAgent* agent() const noexcept {
    return agent_.load(std::memory_order_acquire);  // A2 <- A1
  }

  // For the agent, on the worker's thread.
  /// Runs one subscription's handler on an event that was kept; what became of it is accounted for.
  Tally run_again(SubscriptionState& subscription, const DispatchEntry& entry, const void* whole,
                  std::uint32_t attempt);
  /// The same in parts. False: the subscription has ended; the event is dropped, and accounted for.
  [[nodiscard]] bool begin_again(SubscriptionState& subscription, const DispatchEntry& entry, const void* whole,
                                 std::uint32_t attempt);
  void end_again(SubscriptionState& subscription, const Tally& tally);
  void leave_handler() noexcept { running_.leave(); }
  /// The context names that event, or none.
  void look_at(const SubscriptionState& subscription, const DispatchEntry& entry, const void* whole,
               std::uint32_t attempt) noexcept;
  void look_away() noexcept;
  [[nodiscard]] Context& context() noexcept { return context_; }
  /// The thread that has become the worker during a call says that the call is not the worker's any more.
  void leave_call_behind() noexcept;
  /// Has another thread become the worker, once `take` says there that it may: see Dispatcher::stand_in. @thread any
  [[nodiscard]] bool ask_for_stand_in(std::function<bool()> take);
  /// A seat for handlers of this worker, of which there are DispatcherOptions::stand_ins_max + 1.
  [[nodiscard]] std::unique_ptr<HandlerSeat> new_seat();
  /// A delivery comes that no lane brought: run_again() or settle_kept() settles it.
  void take_kept() noexcept { kept_.add(1); }
  /// A kept delivery was settled without its handler, or is kept on.
  void settle_kept(SubscriptionState& subscription, const Tally& tally);
  void report_failed(const SubscriptionState& subscription, const DispatchEntry& entry,
                     std::string_view what) noexcept;
  [[nodiscard]] const SingleWriterCounter& kept() const noexcept { return kept_; }
  [[nodiscard]] const SingleWriterCounter& kept_left() const noexcept { return kept_left_; }

  /// For the worker's own thread.
  [[nodiscard]] const Dispatcher& dispatcher() const noexcept { return dispatcher_; }
  [[nodiscard]] PublisherState& publisher() const noexcept { return publisher_; }

 private:
  void open(std::uint32_t publisher);
  // Flattened: a frame with one event costs about as much as the calls on its way would.
  [[gnu::flatten]] std::uint64_t drain(PublisherLane& from, std::uint64_t budget);
  std::uint64_t abandon(PublisherLane& from);
  std::uint64_t drain_queue(PublisherLane& from, OverflowQueue& queue, std::uint64_t budget);
  std::uint64_t take_balanced(std::uint64_t budget);
  /// One event without a stamp.
  [[gnu::always_inline]] inline void dispatch_one(const DispatchEntry& entry, std::byte* event);
  [[gnu::noinline]] void dispatch_apart(const DispatchEntry& entry, std::byte* event);
  void dispatch(const DispatchEntry& entry, const Lane::Frame& frame, std::byte* events);
  void run_handlers(const DispatchEntry& entry, const void* events, std::uint32_t count, std::uint64_t stamp);
  /// Answers how many of the deliveries are kept, not settled.
  std::uint32_t run_handler(const HandlerList::Row& row, bool own, const void* events, std::uint32_t count,
                            std::uint64_t stamp);
  [[gnu::noinline]] void run_whole(const DispatchEntry& entry, const void* whole, std::uint32_t count,
                                   std::uint64_t stamp);
  [[gnu::noinline]] void run_boxed(const DispatchEntry& entry, SharedEvent& box, std::uint64_t stamp);
  /// A subscription ended on the way: its group's next member takes the events. Answers as run_handler does.
  [[gnu::noinline]] std::uint32_t pass_on(SubscriptionState& ended, const void* events, std::uint32_t count);
  /// What a handler's call did with its events. Answers as run_handler does.
  std::uint32_t settle(const HandlerList::Row& row, SubscriptionStats& stats, const void* events,
                       std::uint32_t count);
  [[gnu::noinline]] std::uint32_t settle_exceptions(SubscriptionState& subscription, SubscriptionStats& stats,
                                                    const void* events, std::uint32_t count);
  static void account(SubscriptionStats& stats, const Tally& tally);
#if HEADRACE_TELEMETRY
  // Apart: it is long, and one frame in many has a stamp.
  [[gnu::noinline]] void record_times(SubscriptionStats& stats, std::uint64_t stamp, std::uint64_t begun,
                                      std::uint32_t count);
#endif
  void doze_idle_lanes();
  void park();
  [[nodiscard]] static bool holds_something(PublisherLane& lane) noexcept;

  static constexpr std::uint64_t kBalancedRun = 32;
  static constexpr int kNoShortWay = -2;

  Dispatcher& dispatcher_;
  const unsigned index_;
  PublisherState& publisher_;
  const int short_way_;  ///< what HandlerList::alone_on() is for it; kNoShortWay: its handlers' events are counted
  Doorbell doorbell_;
  RouteReader reader_;               ///< inside while handler lists may be read
  std::vector<PublisherLane*> hot_;  ///< lanes that are polled
  std::uint32_t turns_until_doze_ = 0;
  std::optional<MpmcRing<BalancedEvent>::Consumer> balanced_;
  SubscriptionState* ended_inside_ = nullptr;
  Context context_;
  Tally tally_;  ///< of the handler that runs
  std::unique_ptr<WorkerAgent> agent_owned_;

  // Written by this worker, read by unsubscribers, snapshots and stop().
  alignas(kNoSharingBytes) RunningHandler<SubscriptionState> running_;
  SingleWriterCounter settled_;
  SingleWriterCounter unsubscribed_;
  SingleWriterCounter balanced_left_;
  SingleWriterCounter abandoned_;
  SingleWriterCounter kept_;
  SingleWriterCounter kept_left_;
  // Written by the Dispatcher.
  alignas(kNoSharingBytes) Atomic<bool> halted_{false};
  Atomic<WorkerAgent*> agent_{nullptr};
};

}  // namespace headrace
