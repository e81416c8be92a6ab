#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "headrace/base/atomic.hpp"
#include "headrace/delivery/outcome.hpp"
#include "headrace/delivery/pending_event.hpp"
#include "headrace/delivery/watch_slot.hpp"
#include "headrace/dispatch/handler_seat.hpp"
#include "headrace/dispatch/worker_agent.hpp"

namespace headrace {

class DeliveryAgent;

/// The calls of one worker's handlers that may be left behind (OnOverrun::move_shards): when one runs too long, the
/// worker changes threads, and all its other shards move on.
///
/// Why that is sound. (1) Such an event leaves its lane first, as one that is retried does, and its handler is called
/// from the top of the worker's loop, outside of every turn: nothing that the stuck stack holds belongs to the worker.
/// (2) It is called in a HandlerSeat, with a context and lanes of its own, so that whatever it does when it goes on is
/// done by what no other thread uses. (3) Who is the worker is decided under WatchSlot's mutex, which such a call takes
/// anyway: end() and take() cannot both win, so the word needs no memory orders of its own. (4) The thread that was
/// left behind hands its outcome in, post(), and touches nothing else; the event stays in flight until the worker
/// settles that. (5) The thread that takes the worker over does so in take_over(), before it looks at anything.
///
/// Order:     queued events run in the order they came. Of those behind a call that was left behind wait, until it is
///            settled: with Placement::pinned all of its subscription, whose handler never runs beside itself; with
///            sharded those of its key; with balanced, which has no order, none.
/// Threads:   the worker's, whichever that is; post() by the thread that was left behind, take_over() by the next one.
/// Ordering:  N1 -> N2  the worker sees that an outcome was posted; what it is lies behind the mutex
class ApartCalls {
 public:
  ApartCalls(DeliveryAgent& agent, WatchSlot& slot) : agent_(agent), slot_(slot) {}
  ApartCalls(const ApartCalls&) = delete;
  ApartCalls& operator=(const ApartCalls&) = delete;

  /// Its handler is called once this turn is over.
  void queue(PendingEventPtr event) { queue_.push_back(std::move(event)); }
  [[nodiscard]] bool is_idle() const noexcept { return queue_.empty() && !has_posted(); }
  /// So many wait that the worker should take no more. It is none of what the present turn has queued, so that all
  /// lanes have their share of a turn.
  [[nodiscard]] bool is_full() const noexcept { return carried_ >= kCarriedMax; }

  /// Calls handlers: see WorkerAgent::run_apart.
  WorkerAgent::Thread run(std::uint64_t& ran);
  /// What calls that were left behind came to: how many were settled.
  std::uint64_t settle_posted();
  /// True: the calling thread is the worker from now on. @thread one that stands in
  [[nodiscard]] bool take_over(std::uint64_t call);

  /// Takes out what has not been called, in its order: of that site, or of all if it is null.
  [[nodiscard]] std::vector<PendingEventPtr> take_out(const DeliverySite* site);

 private:
  static constexpr std::size_t kCarriedMax = 16'384;

  /// A call that another thread is in.
  struct Left {
    PendingEventPtr event;
    std::unique_ptr<HandlerSeat> seat;
    std::shared_ptr<SubscriptionState> subscription;  ///< may have ended meanwhile
  };
  struct Posted {
    const HandlerSeat* seat;
    Outcome outcome;
  };

  WorkerAgent::Thread call(PendingEventPtr event);
  void post(const HandlerSeat& seat, Outcome outcome);
  void settle(Left left, const Outcome& outcome);
  [[nodiscard]] bool waits(const PendingEvent& event) const noexcept;
  void wait(PendingEventPtr event);
  void requeue_behind();
  void take_seat();
  [[nodiscard]] bool has_posted() const noexcept {
    return has_posted_.load(std::memory_order_acquire);  // N2 <- N1
  }

  DeliveryAgent& agent_;
  WatchSlot& slot_;
  // owner: worker
  std::deque<PendingEventPtr> queue_;
  std::size_t carried_ = 0;  ///< of these, left to the thread that stood in
  std::deque<PendingEventPtr>
      behind_;  ///< calls that were left behind, in the order they came; older than the queue
  std::vector<Left> left_;
  std::unique_ptr<HandlerSeat> seat_;  ///< of the next call, and of the one that runs here
  std::vector<std::unique_ptr<HandlerSeat>> free_seats_;

  std::mutex posted_mutex_;
  std::vector<Posted> posted_;
  Atomic<bool> has_posted_{false};
};

}  // namespace headrace
