#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "headrace/base/result.hpp"
#include "headrace/port/checkpoint_store.hpp"
#include "headrace/port/event_lag.hpp"
#include "headrace/port/event_store.hpp"
#include "headrace/port/read_model.hpp"

namespace headrace {

struct ProjectionOptions {
  std::string name;
  EventQuery query{};
  std::size_t batch_events = 256;  ///< applied together, in one transaction where the read model has them
  /// An error that a retry may help (Error::Retry::maybe: a locked file, a broker that is down) is tried again
  /// after so long, then after twice that, up to the longest.
  std::chrono::milliseconds retry_first{100};
  std::chrono::milliseconds retry_longest{10'000};
};

struct ProjectionStatus {
  enum class State : std::uint8_t {
    running,
    retrying,  ///< waits before it tries again
    failed,    ///< stands still until resume() or rebuild()
  };
  State state = State::running;
  EventPosition position = 0;       ///< everything up to here is applied
  EventPosition behind = 0;         ///< positions to the end of the store: not less than the events that wait
  std::chrono::nanoseconds lag{0};  ///< how long the oldest event that waits has been in the store
  std::uint64_t events = 0;         ///< applied by this object
  std::optional<Error> error;       ///< unless running: what, and at which event
};

/// A read model whose checkpoint is saved behind the events: for read models that are no database of the store's.
/// After a crash the events since the last save come again.
[[nodiscard]] ReadModel checkpoint_after(CheckpointStore& checkpoints, std::string name,
                                         StoredEventHandler handler);

/// Applies what the read model lacks, up to the store's end as it is now. Answers how far it came.
[[nodiscard]] Result<EventPosition> catch_up(EventStore& store, const ProjectionOptions& options,
                                             const ReadModel& model, EventPosition after);

/// Keeps one read model up to date, on a thread of its own. When an event cannot be applied it stops there, alone,
/// and says where; resume() tries that event again.
/// Threads: any.
/// Order:   events come in the order of their positions, from the read model's checkpoint on.
class Projection {
 public:
  Projection(EventStore& store, ProjectionOptions options, ReadModel model);
  /// Waits for the batch that is being applied.
  ~Projection();
  Projection(const Projection&) = delete;
  Projection& operator=(const Projection&) = delete;

  [[nodiscard]] const std::string& name() const noexcept { return options_.name; }
  [[nodiscard]] ProjectionStatus status() const;
  /// The same for metrics: `metrics_of(std::vector{turnover.lag(), outbox.lag()})`.
  [[nodiscard]] NamedLag lag() const;
  /// True once everything up to the position is applied; false when the time is over or the projection has failed.
  [[nodiscard]] bool wait_for(EventPosition position, std::chrono::milliseconds time);
  /// Goes on after a failure, from the read model's checkpoint.
  void resume();

  /// Fills another read model beside the live one, which goes on. When it has caught up, neither is touched while
  /// `switch_over` makes readers use the new one; from then on that is the live one. After an error the old one
  /// lives on. Rebuilds a failed projection too. @thread one at a time
  [[nodiscard]] Status rebuild(ReadModel beside, const std::function<Status()>& switch_over);

 private:
  enum class Step { applied, nothing_new, retrying, failed };
  void loop(const std::stop_token& stop);
  [[nodiscard]] Step apply_some();
  [[nodiscard]] Step fail(Error error);
  void wait_to_retry(const std::stop_token& stop);

  EventStore& store_;
  const ProjectionOptions options_;

  std::mutex applying_;  // held while the read model is touched
  ReadModel model_;      // behind applying_

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  EventPosition position_ = 0;   // behind mutex_, as is all below
  bool position_known_ = false;  ///< the checkpoint has been asked for
  std::uint64_t events_ = 0;
  std::optional<Error> error_;
  std::chrono::milliseconds pause_{0};  ///< before the next try; 0: none is due

  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace headrace
