#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/base/result.hpp"
#include "headrace/base/time_source.hpp"
#include "headrace/port/checkpoint_store.hpp"
#include "headrace/port/dead_letter_store.hpp"
#include "headrace/port/event_store.hpp"
#include "headrace/port/runner_lease.hpp"
#include "headrace/process/saga.hpp"

namespace headrace {

struct SagaOptions {
  /// They run the steps: so many run at the same time. 0: poll() does, on the caller's thread.
  std::size_t threads = 2;
  /// Deadlines are kept over restarts, so they go by the wall clock.
  TimeSource time{};
  /// Where open() remembers up to where all sagas have ended, so that the next one looks from there on. None: it
  /// looks through the first and last events of all sagas of this table.
  CheckpointStore* checkpoints = nullptr;
  /// Held by whoever runs this table, and outliving the runner. When it is lost no step begins any more: what has not
  /// ended is left alone, as on_error says, and goes on with the next holder's open(). None: nothing keeps a second
  /// runner away.
  const RunnerLease* lease = nullptr;
  /// Before a store that failed, or dead letters that are full, are tried again.
  std::chrono::milliseconds store_pause{1000};
  /// What a store answered, and histories that cannot be read. On the thread that met it; must not throw nor call
  /// the runner.
  std::function<void(const Error&)> on_error{};
};

struct SagaOrigin {
  EventId correlation = {};  ///< none: the saga begins a transaction of its own
  EventId causation = {};    ///< the event that asked for it
};

struct SagaCounts {
  std::size_t under_way = 0;    ///< now
  std::uint64_t completed = 0;  ///< by this object, as are those below
  std::uint64_t compensated = 0;
  std::uint64_t stuck = 0;   ///< how often one went to the dead letters
  std::uint64_t halted = 0;  ///< left alone, as on_error said; the next open() takes them up
};

/// Runs the sagas of one table. Each is a stream of an event store (saga-NAME-ID): a transition is one append, at
/// the version that it was decided on, so that a saga has one history whoever writes it. The state is the fold of
/// the stream; nothing else is kept.
///
/// Threads:   every function from any thread. Actions and compensations run on the runner's threads; those of one
///            saga at the same time only where the table says so.
/// Progress:  a saga that waits, for a time or for an answer, holds no thread.
/// Crash:     what was appended stays. A step that ran without its end being stored runs again when the runner is
///            opened: actions and compensations happen at least once, and their key() tells repetitions. One that
///            had answered wait() runs again as well, for what it sent may be lost.
/// Errors:    a store that fails with Retry::maybe is tried again after a pause, and the step's answer is kept
///            meanwhile. With Retry::no the saga is left alone until the next open().
/// Limits:    one runner of a table at a time, which a lease sees to. With two, histories stay right, but steps run
///            twice.
class SagaRunner {
 public:
  /// Takes up every saga that has not ended. The stores must outlive the runner. An error when the table is wrong
  /// (check_saga) or the store cannot be read.
  [[nodiscard]] static Result<std::unique_ptr<SagaRunner>> open(EventStore& store, DeadLetterStore& dead_letters,
                                                                Saga saga, SagaOptions options = {});
  /// Waits for the steps that run now. What has not ended goes on with the next open().
  ~SagaRunner();
  SagaRunner(const SagaRunner&) = delete;
  SagaRunner& operator=(const SagaRunner&) = delete;

  enum class [[nodiscard]] Started : std::uint8_t{
      started,
      was_there,  ///< a saga of this id was started before, whatever has become of it: nothing happens
  };
  /// Durable when it returns. The id is any text up to 512 bytes: an order's number. An error when the stream of
  /// that name belongs to another table: `order` with the id `cancel-7` and `order-cancel` with `7` have the same.
  [[nodiscard]] Result<Started> start(const std::string& id, std::string_view input, SagaOrigin origin = {});

  /// The same in two halves, for a saga that begins in one append with other events: append this, then take it up.
  /// After a crash in between the next open() takes it up.
  [[nodiscard]] Result<StreamAppend> beginning(const std::string& id, std::string_view input,
                                               SagaOrigin origin = {}) const;
  /// Of one that is under way or has ended nothing happens.
  [[nodiscard]] Status take_up(const std::string& id);

  enum class [[nodiscard]] Answered : std::uint8_t{
      taken,       ///< and stored
      not_wanted,  ///< nobody waits: it was answered before, is over its deadline, or is another runner's
  };
  /// The answer to a step that waits, under its key(). May come before the action has returned.
  [[nodiscard]] Result<Answered> answer(std::string_view key, const StepAnswer& answer);

  /// Tries the compensation of a stuck saga again. The letter goes when the saga has ended. False: it is not
  /// stuck.
  [[nodiscard]] Result<bool> revive(const std::string& id);

  /// From the store. Version 0: there is none.
  [[nodiscard]] Result<SagaState> state(const std::string& id) const;
  /// Waits until this runner has no more to do for the saga (it has ended or is stuck), or the time is over;
  /// answers what it is then.
  [[nodiscard]] Result<SagaState> wait_for(const std::string& id, std::chrono::milliseconds time) const;
  [[nodiscard]] SagaCounts counts() const;

  /// Runs everything that is due, on this thread. Answers when something is due again; none: nothing waits.
  std::optional<EventTime> poll();

 private:
  class Engine;
  explicit SagaRunner(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace headrace
