#include "headrace/sourcing/projection.hpp"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace headrace {
namespace {

// The checkpoint of a projection that finds nothing to do moves on in steps of so many positions: saving it costs
// a flush, and what it saves is looking at events that do not match.
constexpr EventPosition kIdleStep = 1000;
constexpr std::chrono::hours kLongWait{1};

struct Batch {
  std::vector<StoredEvent> events;
  EventPosition through = 0;
};

Result<Batch> read_batch(EventStore& store, const ProjectionOptions& options, EventPosition after) {
  GlobalRead read;
  read.after = after;
  read.limit = std::max<std::size_t>(options.batch_events, 1);
  read.query = options.query;
  Batch batch;
  const auto end = store.read_all(read, [&](StoredEvent& event) {
    batch.events.push_back(std::move(event));
    return Visit::more;
  });
  if (!end) return end.error();
  batch.through = end->through;
  return batch;
}

}  // namespace

ReadModel checkpoint_after(CheckpointStore& checkpoints, std::string name, StoredEventHandler handler) {
  ReadModel model;
  model.checkpoint = [&checkpoints, name] { return checkpoints.load(name); };
  model.apply = [&checkpoints, name, handler = std::move(handler)](std::span<const StoredEvent> events,
                                                                   EventPosition through) -> Status {
    for (std::size_t at = 0; at < events.size(); ++at) {
      Status done = handle_event(handler, events[at]);
      if (done) continue;
      // Those before are not handled again; if this save fails as well they are, which is allowed.
      if (at > 0) static_cast<void>(checkpoints.save(name, events[at - 1].position).has_value());
      return done;
    }
    return checkpoints.save(name, through);
  };
  return model;
}

Result<EventPosition> catch_up(EventStore& store, const ProjectionOptions& options, const ReadModel& model,
                               EventPosition after) {
  const auto end = store.last_position();
  if (!end) return end.error();
  while (after < *end) {
    const auto batch = read_batch(store, options, after);
    if (!batch) return batch.error();
    if (auto applied = model.apply(batch->events, batch->through); !applied) return applied.error();
    after = batch->through;
  }
  return after;
}

Projection::Projection(EventStore& store, ProjectionOptions options, ReadModel model)
    : store_(store),
      options_(std::move(options)),
      model_(std::move(model)),
      thread_([this](const std::stop_token& stop) { loop(stop); }) {}

Projection::~Projection() = default;

void Projection::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    switch (apply_some()) {
      case Step::applied:
        break;
      case Step::nothing_new: {
        const EventPosition position = [this] {
          const std::lock_guard lock(mutex_);
          return position_;
        }();
        const auto more = store_.wait_beyond(position, kLongWait, stop);
        if (!more && fail(more.error()) == Step::retrying) wait_to_retry(stop);
        break;
      }
      case Step::retrying:
        wait_to_retry(stop);
        break;
      case Step::failed: {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, stop, [this] { return !error_; });
        break;
      }
    }
  }
}

Projection::Step Projection::apply_some() {
  const std::lock_guard applying(applying_);
  EventPosition after = 0;
  bool known = false;
  {
    const std::lock_guard lock(mutex_);
    if (error_ && pause_.count() == 0) return Step::failed;
    after = position_;
    known = position_known_;
  }
  if (!known) {
    const auto checkpoint = model_.checkpoint();
    if (!checkpoint) return fail(checkpoint.error());
    after = *checkpoint;
    // A reader that has only begun is known as one: retention keeps what it has not read.
    if (after == 0) {
      if (auto begun = model_.apply({}, 0); !begun) return fail(begun.error());
    }
  }
  const auto batch = read_batch(store_, options_, after);
  if (!batch) return fail(batch.error());
  const bool is_work = !batch->events.empty() || batch->through >= after + kIdleStep;
  if (is_work) {
    if (auto applied = model_.apply(batch->events, batch->through); !applied) return fail(applied.error());
  }
  {
    const std::lock_guard lock(mutex_);
    position_ = batch->through;
    position_known_ = true;
    events_ += batch->events.size();
    error_.reset();
    pause_ = std::chrono::milliseconds{0};
  }
  changed_.notify_all();
  return is_work ? Step::applied : Step::nothing_new;
}

Projection::Step Projection::fail(Error error) {
  const bool again = error.retry == Error::Retry::maybe;
  {
    const std::lock_guard lock(mutex_);
    error.where = "projection " + options_.name + (error.where.empty() ? "" : ", " + error.where);
    error_ = std::move(error);
    const auto longer = pause_.count() == 0 ? options_.retry_first : 2 * pause_;
    constexpr std::chrono::milliseconds kShortest{1};
    pause_ = again ? std::clamp(longer, kShortest, std::max(kShortest, options_.retry_longest))
                   : std::chrono::milliseconds{0};
    // Part of the batch may have been applied: the read model knows how much.
    position_known_ = false;
  }
  changed_.notify_all();
  return again ? Step::retrying : Step::failed;
}

void Projection::wait_to_retry(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, pause_, [this] { return !error_; });
}

ProjectionStatus Projection::status() const {
  ProjectionStatus status;
  {
    const std::lock_guard lock(mutex_);
    using State = ProjectionStatus::State;
    status.state = !error_ ? State::running : pause_.count() > 0 ? State::retrying : State::failed;
    status.position = position_;
    status.events = events_;
    status.error = error_;
  }
  const EventLag lag = lag_of(store_, options_.query, status.position);
  status.behind = lag.behind;
  status.lag = lag.oldest;
  return status;
}

NamedLag Projection::lag() const {
  const ProjectionStatus now = status();
  return {options_.name, now.position, {now.behind, now.lag}, now.state == ProjectionStatus::State::failed};
}

bool Projection::wait_for(EventPosition position, std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  const auto applied = [&] { return position_known_ && position_ >= position; };
  const auto failed = [&] { return error_ && pause_.count() == 0; };
  changed_.wait_for(lock, time, [&] { return failed() || applied(); });
  return applied();
}

void Projection::resume() {
  {
    const std::lock_guard lock(mutex_);
    error_.reset();
    pause_ = std::chrono::milliseconds{0};
    position_known_ = false;
  }
  changed_.notify_all();
}

Status Projection::rebuild(ReadModel beside, const std::function<Status()>& switch_over) {
  auto position = beside.checkpoint();
  if (position) position = catch_up(store_, options_, beside, *position);
  if (!position) return position.error();
  {
    // What came since is little; the live one stands still for that long.
    const std::lock_guard applying(applying_);
    position = catch_up(store_, options_, beside, *position);
    if (!position) return position.error();
    if (auto switched = switch_over(); !switched) return switched;
    model_ = std::move(beside);
    const std::lock_guard lock(mutex_);
    position_ = *position;
    position_known_ = true;
    error_.reset();
    pause_ = std::chrono::milliseconds{0};
  }
  changed_.notify_all();
  return Nothing{};
}

}  // namespace headrace
