#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "headrace/bus/handled_prefix.hpp"
#include "headrace/port/checkpoint_store.hpp"
#include "headrace/port/event_lag.hpp"
#include "headrace/port/event_store.hpp"
#include "headrace/port/runner_lease.hpp"

namespace headrace {

struct FollowerOptions {
  std::string name = {};           ///< of the checkpoint: programs that share a store need one each
  std::size_t out_max = 4096;      ///< events that are handed on and not yet handled
  std::size_t batch_events = 256;  ///< read from the store at once
  /// The checkpoint is saved when so many events have been handled since, or so much time has passed; what was
  /// handled since then is handed on again after a crash.
  std::uint64_t save_events = 1024;
  std::chrono::milliseconds save_every{100};
  /// What a retry may help (a full lane or buffer, a locked store, no subscriber) is tried again after so long,
  /// then after twice that, up to the longest.
  std::chrono::milliseconds retry_first{1};
  std::chrono::milliseconds retry_longest{1000};
  /// Held by whoever follows under this name, and outliving the follower. When it is lost nothing more is handed on:
  /// the state is failed. None: nothing keeps a second follower of the name away, which hands everything on twice.
  const RunnerLease* lease = nullptr;
};

struct FollowerStatus {
  enum class State : std::uint8_t {
    running,
    retrying,  ///< waits before it tries again: see error
    failed,    ///< stands still at an event until resume(): see error
    closed,    ///< the bus has stopped, or stop() was called
  };
  State state = State::running;
  EventPosition handled = 0;    ///< everything up to here is settled
  std::size_t out = 0;          ///< handed on, not yet settled
  std::uint64_t handed_on = 0;  ///< by this object, repetitions included
  std::uint64_t rewinds = 0;    ///< how often it went back to what had ended unhandled
  std::optional<Error> error;
};

/// Follows an event store: hands each event of a query on, in order, and keeps a checkpoint of what was handled.
/// What durable topics and outboxes have in common.
///
/// At least once: an event is out until its receipt is gone. The checkpoint follows the events that were handled
///                without a gap; where one ended unhandled, it goes back there once nothing is out.
/// Threads:       start() once; the rest by any. HandOn is called on the follower's thread, or by poll().
class StoreFollower {
 public:
  enum class Taken : std::uint8_t { yes, closed };  ///< closed: nobody will take any more
  /// Takes the event over with a Receipt of its position. An error with Retry::maybe: the same event is tried
  /// again later; with Retry::no: it stands still there. Whoever refuses an event has taken its receipt back.
  using HandOn = std::function<Result<Taken>(StoredEvent&, const std::shared_ptr<HandledPrefix>&)>;

  /// `kind` names it in errors: "outbox". Throws ConfigError for options without a name, or with limits of 0.
  StoreFollower(std::string kind, EventStore& store, CheckpointStore& checkpoints, FollowerOptions options,
                HandOn hand_on);
  /// Stops without waiting for what is out.
  ~StoreFollower();
  StoreFollower(const StoreFollower&) = delete;
  StoreFollower& operator=(const StoreFollower&) = delete;

  /// What to follow: before the start.
  void follow(EventQuery query) { query_ = std::move(query); }
  [[nodiscard]] bool has_begun() const noexcept { return thread_.joinable() || position_known_; }

  /// From the checkpoint on, on a thread of its own.
  void start();
  /// The same for programs without threads: one turn by the caller. Answers how many events it handed on.
  /// @thread one at a time, and no start()
  std::size_t poll();
  /// Hands no more on, waits until everything that is out is settled, or the deadline, and saves the checkpoint.
  /// Answers how many have not ended. They come again with the next start, and so does what ended unhandled, with what
  /// was handled behind it. The error is the checkpoint's: then more do.
  Result<std::size_t> stop(std::chrono::milliseconds deadline);

  [[nodiscard]] FollowerStatus status() const;
  /// How far what is settled is behind the store, for metrics: asks the store. After the start.
  [[nodiscard]] NamedLag lag() const;
  /// True once everything up to the position is settled.
  [[nodiscard]] bool wait_for(EventPosition position, std::chrono::milliseconds time);
  /// Goes on after a failure, at the event where it stopped.
  void resume();

 private:
  enum class Turn : std::uint8_t { handed_on, nothing_new, out_full, retrying, failed, closed };

  void loop(const std::stop_token& stop);
  [[nodiscard]] Turn turn();
  [[nodiscard]] std::optional<Turn> begin();
  [[nodiscard]] std::optional<Turn> go_back(const HandledPrefix::Account& account);
  [[nodiscard]] Turn hand_on(std::vector<StoredEvent>& events);
  void note_progress();
  [[nodiscard]] bool is_closed() const {
    const std::scoped_lock lock(mutex_);
    return closed_;
  }
  [[nodiscard]] std::chrono::milliseconds look_every() const;
  [[nodiscard]] Turn fail(Error error);
  enum class Save : std::uint8_t { when_due, at_once };
  [[nodiscard]] Status save(Save when);
  void wait_for_more(const std::stop_token& stop);
  void wait_for_settled(const std::stop_token& stop);
  void wait_to_retry(const std::stop_token& stop);

  const std::string kind_;
  EventStore& store_;
  CheckpointStore& checkpoints_;
  const FollowerOptions options_;
  const HandOn hand_on_;
  const std::shared_ptr<HandledPrefix> prefix_ = std::make_shared<HandledPrefix>();

  EventQuery query_;  ///< does not change after the start
  // owner: the thread that hands on
  bool position_known_ = false;
  EventPosition after_ = 0;  ///< everything up to here is handed on
  EventPosition saved_ = 0;
  std::uint64_t events_saved_ = 0;
  std::chrono::steady_clock::time_point saved_at_{};
  std::optional<EventPosition> went_back_to_;  ///< for a refusal; nothing was handled since

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t handed_on_ = 0;  // behind mutex_, as is all below
  std::uint64_t rewinds_ = 0;
  std::optional<Error> error_;
  std::chrono::milliseconds pause_{0};  ///< before the next try; 0: none is due
  bool closed_ = false;

  std::mutex stop_mutex_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace headrace
