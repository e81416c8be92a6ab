#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "headrace/delivery/delivery_agent.hpp"
#include "headrace/delivery/delivery_options.hpp"
#include "headrace/delivery/outcome.hpp"
#include "headrace/delivery/pending_event.hpp"
#include "headrace/dispatch/context.hpp"
#include "headrace/dispatch/subscription_state.hpp"

namespace headrace {

/// One subscription's delivery on one worker: decides whether an event runs, and what becomes of it afterwards.
/// Threads: the worker's; made and destroyed by whoever subscribes.
class DeliverySite {
 public:
  DeliverySite(const DeliveryOptions& options, SubscriptionState& subscription, DeliveryAgent& agent);

  /// False: every event runs, and done() needs no call for each; one comparison says so.
  [[nodiscard]] bool watches() const noexcept { return watches_; }
  /// Whether an event that was let in once is asked for its dedup claim again.
  enum class Claim : std::uint8_t { ask, has };
  /// True: the handler is to run. False: the event was kept or settled, and the tally knows.
  [[nodiscard]] bool admit(Context& context, Claim claim, Tally& tally);
  /// Of an event behind others of its span that are let in and not yet handled. True: it may run with them. False:
  /// nothing was done; admit() is to be asked when they are settled, which may hold its key, open the breaker or
  /// make it a copy.
  [[nodiscard]] bool joins(Context& context, Claim claim);
  /// The event that the context names was handled.
  void done(Context& context, Tally& tally);
  /// It was not. One that no admit() let in, because it failed before, has no claim.
  void settle(Context& context, const Outcome& outcome, Tally& tally, Claim claim = Claim::has);
  /// For as long as this lives, the subscription's handler runs: what a limit counts.
  class HandlerCall {
   public:
    HandlerCall(DeliverySite& site, const Context& context) noexcept : context_(context) {
      if (site.options_.handler_limit > std::chrono::nanoseconds::zero()) [[unlikely]]
        watch(site, context);
    }
    HandlerCall(const HandlerCall&) = delete;
    HandlerCall& operator=(const HandlerCall&) = delete;
    ~HandlerCall() {
      if (slot_ != nullptr) [[unlikely]]
        static_cast<void>(slot_->end(context_));
    }

   private:
    void watch(DeliverySite& site, const Context& context) noexcept;

    WatchSlot* slot_ = nullptr;
    const Context& context_;
  };
  /// The same, said by an exception.
  [[nodiscard]] Outcome judge(const std::exception_ptr& thrown) const;

  /// With OnOverrun::move_shards every event is kept, and its handler called by ApartCalls, in a seat.
  using SeatCall = Outcome (*)(void* handler, const void* event, Context& context, const DeliverySite& site);
  void set_seat_call(SeatCall call) noexcept { seat_call_ = call; }
  [[nodiscard]] bool calls_apart() const noexcept { return options_.on_overrun == OnOverrun::move_shards; }
  /// Keeps the event that the context names, to be called so.
  void call_apart(Context& context, Tally& tally);
  void call_apart(PendingEventPtr event);
  [[nodiscard]] std::chrono::nanoseconds handler_limit() const noexcept { return options_.handler_limit; }
  /// @thread that of the call
  [[nodiscard]] Outcome call_in_seat(void* handler, Context& context) const {
    return seat_call_(handler, context.first(), context, *this);
  }
  /// An event is to wait for a call that was left behind. False: there is no room, and the tally knows.
  [[nodiscard]] bool waits_behind_call(PendingEventPtr& event, Tally& tally);
  /// The subscription has ended: nobody waits for its breaker any more.
  void end_breaker();
  void waits_no_more() noexcept { --behind_calls_; }
  /// settle() or done() of a call that was left behind, for a subscription that has ended since.
  void settle_ended(Context& context, const Outcome& outcome, Tally& tally);

  // For the agent.
  [[nodiscard]] SubscriptionState& subscription() noexcept { return subscription_; }
  [[nodiscard]] DeliveryAgent& agent() noexcept { return agent_; }
  /// Hands a dead letter to the handler. What is given up again goes back to its place in the store.
  void redrive(const DeadLetter& letter, std::shared_ptr<RedriveTurn> turn);
  /// Lets keys flow again whose last letter is gone; the next event of such a key finds that out as well.
  void free_parked_keys();
  /// How many more events may be kept.
  [[nodiscard]] std::uint64_t room() const noexcept;
  /// Hands out what waits behind the key: run(event) answers how many deliveries it settled. Stops when an event
  /// holds the key anew.
  template <class Run>
  std::uint64_t release(std::uint64_t key, Run&& run) {
    std::uint64_t settled = 0;
    if (!waiting_) return settled;
    if (key == kLine && !line_may_move()) {
      wake_line();  // a probe went ahead meanwhile; if it comes to no answer, nobody else looks at the line
      return settled;
    }
    releasing_ = key;
    waiting_->release(key, [&](PendingEventPtr&& event) {
      blocked_ = false;
      event->holds_key = key != kLine;
      settled += run(std::move(event));
      return key == kLine ? line_may_move() : !blocked_;
    });
    releasing_.reset();
    refresh();
    if (key == kLine) wake_line();
    return settled;
  }
  static constexpr std::uint64_t kLine = 0x6c696e656c696e65;  ///< what waits for the breaker waits behind this key
  /// How many events beyond the room there is space for: so many may come between two looks at room().
  static constexpr std::uint32_t kSlackEvents = 1024;
  /// Another try to get letters into a store that was full or down: how many deliveries were settled.
  std::uint64_t send_letters();
  /// The bus stops: gives up one event, and with park_key its key. True: it is a dead letter now.
  [[nodiscard]] bool abandon(PendingEventPtr event, Tally& tally);
  /// The event will not run here any more: whoever gets it next may.
  void give_claim_back(PendingEvent& event);
  /// Takes out the letters that wait for the store, in their order.
  template <class Take>
  void drain_unsent(Take&& take) {
    for (PendingEventPtr& event : std::exchange(unsent_, {})) take(std::move(event));
  }
  /// Takes out whatever waits: of each key in its order.
  template <class Take>
  void drain(Take&& take) {
    drain_unsent(take);
    if (waiting_) {
      std::vector<PendingEventPtr> line;  // behind the key's own: they came later
      waiting_->drain([&](std::uint64_t key, PendingEventPtr&& event) {
        if (key == kLine) {
          line.push_back(std::move(event));
        } else {
          take(std::move(event));
        }
      });
      for (PendingEventPtr& event : line) take(std::move(event));
    }
    refresh();
  }

 private:
  [[nodiscard]] bool returns_itself(const PendingEvent& event) const noexcept;
  [[nodiscard]] static std::uint64_t key_of(const Context& context) noexcept;
  /// An event that was let in before takes its claim along.
  [[nodiscard]] PendingEventPtr keep(Context& context, Claim claim = Claim::ask);
  [[nodiscard]] bool wait_behind(std::uint64_t key, PendingEventPtr event, Tally& tally);
  [[nodiscard]] bool hold(std::uint64_t key);
  [[nodiscard]] bool is_held(std::uint64_t key) const noexcept { return waiting_ && waiting_->is_held(key); }
  void open_line();
  void wake_line();
  [[nodiscard]] bool line_may_move() const;

  // What DedupBy's function throws comes out of these when it is asked for the first time only.
  [[nodiscard]] std::optional<DedupKey> dedup_key(const Context& context) const;
  [[nodiscard]] std::optional<DedupKey> dedup_key(const PendingEvent& event) const;
  [[nodiscard]] bool is_first_copy(Context& context, Tally& tally);
  [[nodiscard]] bool is_first_copy_of_run(const Context& context);
  [[nodiscard]] std::optional<DedupClaim> ask_window(const DedupKey& key);
  void drop_copy(Tally& tally);
  void end_claim(const Context& context, DedupEnd end);
  void finish_claim(const DedupKey& key, DedupEnd end);
  void renew_claim(const PendingEvent& event, std::chrono::nanoseconds wait);

  [[nodiscard]] std::optional<std::uint64_t> next_try(const PendingEvent& event, const Outcome& outcome,
                                                      std::uint64_t now_ns);
  void try_later(PendingEventPtr event, std::uint64_t due_ns, Tally& tally);
  void fail(const DispatchEntry& entry, std::string_view reason, Tally& tally);
  [[nodiscard]] DeadLetterStore* dead_letters() const noexcept { return options_.dead_letters.get(); }
  void expire(Context& context, Tally& tally);
  void give_up(PendingEventPtr event, FailureClass failure, std::string_view reason, bool parks, Tally& tally);
  enum class Sent : std::uint8_t { stored, refused, not_yet };
  [[nodiscard]] Sent send(PendingEvent& event, Tally& tally);
  [[nodiscard]] Status fit_for_store(DeadLetter& letter) const;
  [[nodiscard]] DeadLetter letter_of(PendingEvent& event, FailureClass failure, std::string_view reason) const;

  void find_parked_keys();
  [[nodiscard]] bool has_letters(std::uint64_t key, const std::string& text) const;
  void free_if_gone(std::uint64_t key);
  [[nodiscard]] bool is_parked(std::uint64_t key, const Context& context);
  void free_key(const PendingEvent& event);
  void enlist();
  void tell_breaker(const Outcome& outcome, std::uint64_t now_ns);
  void note_breaker(CircuitBreaker::State before);
  class BreakerRest;
  void rest_breaker();
  void breaker_rested();
  void refresh() noexcept;

  const DeliveryOptions& options_;
  SubscriptionState& subscription_;
  DeliveryAgent& agent_;
  const std::shared_ptr<PendingEventPool> pending_events_;
  std::optional<KeyOrder<PendingEventPtr>> waiting_;       ///< made when the first key is held
  std::unordered_map<std::uint64_t, std::string> parked_;  ///< by hash: the key as text
  std::unordered_set<std::string> parked_before_;          ///< found in the store; no event of theirs has come yet
  std::deque<PendingEventPtr> unsent_;                     ///< letters that wait for the store, in their order
  std::optional<CircuitBreaker> breaker_;
  CircuitBreaker::Permit permit_;
  bool breaker_rests_ = false;       ///< a BreakerRest waits for its time
  std::uint64_t line_wakes_ns_ = 0;  ///< the latest timer for the line
  std::optional<RetryBudget> budget_;
  std::optional<DedupTable> window_;        ///< made for the first event
  std::optional<std::uint64_t> releasing_;  ///< whose events are handed out at the moment
  std::uint64_t behind_calls_ = 0;          ///< events that wait for a call that was left behind
  SeatCall seat_call_ = nullptr;
  bool blocked_ = false;  ///< the event that was handed out holds its key anew
  bool watches_ = false;
  bool enlisted_ = false;
};

}  // namespace headrace
