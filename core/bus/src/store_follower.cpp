#include "headrace/bus/store_follower.hpp"

#include <algorithm>
#include <utility>

#include "headrace/base/check.hpp"

namespace headrace {
namespace {

constexpr std::chrono::hours kLongWait{1};
// As a projection's: looking at events that do not match is not worth a flush each time.
constexpr EventPosition kIdleStep = 1000;

}  // namespace

StoreFollower::StoreFollower(std::string kind, EventStore& store, CheckpointStore& checkpoints,
                             FollowerOptions options, HandOn hand_on)
    : kind_(std::move(kind)),
      store_(store),
      checkpoints_(checkpoints),
      options_(std::move(options)),
      hand_on_(std::move(hand_on)) {
  if (options_.name.empty()) throw ConfigError(kind_ + ": a name is needed, for the checkpoint");
  if (options_.out_max == 0 || options_.batch_events == 0) {
    throw ConfigError(kind_ + " '" + options_.name + "': out_max and batch_events must not be 0");
  }
}

StoreFollower::~StoreFollower() { static_cast<void>(stop(std::chrono::milliseconds{0}).has_value()); }

// --- Life ----------------------------------------------------------------------------------------------------

void StoreFollower::start() {
  HEADRACE_CHECK("store_follower.start", !thread_.joinable(), "a follower is started once");
  thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

std::size_t StoreFollower::poll() {
  HEADRACE_CHECK("store_follower.poll", !thread_.joinable(), "a follower that has a thread is not polled");
  const std::uint64_t before = status().handed_on;
  static_cast<void>(turn());  // what went wrong stands in status()
  return static_cast<std::size_t>(status().handed_on - before);
}

Result<std::size_t> StoreFollower::stop(std::chrono::milliseconds deadline) {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  const std::scoped_lock one_at_a_time(stop_mutex_);
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  const auto end = std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(deadline, kLongWait);
  prefix_->wait_until([](const HandledPrefix::Account& account) { return account.out == 0; }, end, {});
  if (Status saved = save(Save::at_once); !saved) return saved.error();
  return prefix_->account().out;
}

FollowerStatus StoreFollower::status() const {
  const HandledPrefix::Account account = prefix_->account();
  const std::scoped_lock lock(mutex_);
  using State = FollowerStatus::State;
  const State state = closed_              ? State::closed
                      : !error_            ? State::running
                      : pause_.count() > 0 ? State::retrying
                                           : State::failed;
  return {state, account.handled, account.out, handed_on_, rewinds_, error_};
}

NamedLag StoreFollower::lag() const {
  const FollowerStatus now = status();
  return {options_.name, now.handled, lag_of(store_, query_, now.handled),
          now.state == FollowerStatus::State::failed};
}

bool StoreFollower::wait_for(EventPosition position, std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(time, kLongWait);
  return prefix_->wait_until(
      [position](const HandledPrefix::Account& account) { return account.handled >= position; }, end, {});
}

void StoreFollower::resume() {
  {
    const std::scoped_lock lock(mutex_);
    error_.reset();
    pause_ = std::chrono::milliseconds{0};
  }
  changed_.notify_all();
}

// --- Handing on ---------------------------------------------------------------------------------------------

void StoreFollower::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    switch (turn()) {
      case Turn::handed_on:
        break;
      case Turn::nothing_new:
        wait_for_more(stop);
        break;
      case Turn::out_full:
        wait_for_settled(stop);
        break;
      case Turn::retrying:
        wait_to_retry(stop);
        break;
      case Turn::failed: {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, stop, [this] { return !error_; });
        break;
      }
      case Turn::closed:
        return;
    }
  }
}

StoreFollower::Turn StoreFollower::turn() {
  if (const auto not_yet = begin()) return *not_yet;
  if (Status saved = save(Save::when_due); !saved) return fail(saved.error());
  const HandledPrefix::Account account = prefix_->account();
  if (account.has_gap) {
    if (const auto not_yet = go_back(account)) return *not_yet;
  }
  if (account.out >= options_.out_max) return Turn::out_full;
  GlobalRead read;
  read.after = after_;
  read.limit = std::min(options_.batch_events, options_.out_max - account.out);
  read.query = query_;
  std::vector<StoredEvent> events;
  const auto end = store_.read_all(read, [&](StoredEvent& event) {
    events.push_back(std::move(event));
    return Visit::more;
  });
  if (!end) return fail(end.error());
  const Turn done = hand_on(events);
  if (done != Turn::handed_on) return done;
  after_ = end->through;
  prefix_->looked_through(after_);
  note_progress();
  return events.empty() ? Turn::nothing_new : Turn::handed_on;
}

/// What comes before the first event: nothing, mostly.
std::optional<StoreFollower::Turn> StoreFollower::begin() {
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) return Turn::closed;
    if (error_ && pause_.count() == 0) return Turn::failed;
  }
  if (position_known_) return std::nullopt;
  const auto checkpoint = checkpoints_.load(options_.name);
  if (!checkpoint) return fail(checkpoint.error());
  // A reader that has only begun is known as one: retention keeps what it has not read.
  if (*checkpoint == 0) {
    if (Status begun = checkpoints_.save(options_.name, 0); !begun) return fail(begun.error());
  }
  after_ = saved_ = *checkpoint;
  prefix_->start_at(after_);
  saved_at_ = std::chrono::steady_clock::now();
  position_known_ = true;
  return std::nullopt;
}

/// What was refused and sent again has not gone well yet: the pauses go on growing until something was handled.
void StoreFollower::note_progress() {
  if (went_back_to_ && prefix_->account().handled <= *went_back_to_) return;
  went_back_to_.reset();
  const std::scoped_lock lock(mutex_);
  error_.reset();
  pause_ = std::chrono::milliseconds{0};
}

/// To where one ended unhandled. What its handler knew to say of it decides whether that happens by itself.
std::optional<StoreFollower::Turn> StoreFollower::go_back(const HandledPrefix::Account& account) {
  // Those behind the gap are left to end, so that nothing is out twice.
  if (account.out != 0) return Turn::out_full;
  std::optional<Error> refusal = prefix_->refusal();
  after_ = prefix_->rewind();
  if (refusal) went_back_to_ = after_;
  {
    const std::scoped_lock lock(mutex_);
    ++rewinds_;
  }
  if (refusal) return fail(std::move(*refusal));
  return std::nullopt;
}

StoreFollower::Turn StoreFollower::hand_on(std::vector<StoredEvent>& events) {
  for (StoredEvent& event : events) {
    if (is_closed()) return Turn::closed;
    if (options_.lease != nullptr && !options_.lease->is_held()) {
      return fail({"the lease '" + options_.lease->name() + "' is lost", {}});
    }
    const EventPosition position = event.position;
    const std::string where = "position " + std::to_string(position) + ", " + event.event.envelope.topic;
    const Result<Taken> taken = hand_on_(event, prefix_);
    if (!taken) return fail({taken.error().message(), where, taken.error().retry});
    const std::scoped_lock lock(mutex_);
    if (*taken == Taken::closed) {
      closed_ = true;
      return Turn::closed;
    }
    after_ = position;
    ++handed_on_;
  }
  return Turn::handed_on;
}

StoreFollower::Turn StoreFollower::fail(Error error) {
  const bool again = error.retry == Error::Retry::maybe;
  {
    const std::scoped_lock lock(mutex_);
    error.where = kind_ + " " + options_.name + (error.where.empty() ? "" : ", " + error.where);
    error_ = std::move(error);
    const auto longer = pause_.count() == 0 ? options_.retry_first : 2 * pause_;
    constexpr std::chrono::milliseconds kShortest{1};
    pause_ = again ? std::clamp(longer, kShortest, std::max(kShortest, options_.retry_longest))
                   : std::chrono::milliseconds{0};
  }
  return again ? Turn::retrying : Turn::failed;
}

Status StoreFollower::save(Save when) {
  if (!position_known_) return Nothing{};
  const HandledPrefix::Account account = prefix_->account();
  const auto now = std::chrono::steady_clock::now();
  if (when == Save::when_due) {
    const std::uint64_t events = account.events - events_saved_;
    const bool due = events >= options_.save_events || (events > 0 && now - saved_at_ >= options_.save_every);
    if (!due && account.handled < saved_ + kIdleStep) return Nothing{};
  }
  if (account.handled == saved_) return Nothing{};
  if (Status saved = checkpoints_.save(options_.name, account.handled); !saved) return saved;
  saved_ = account.handled;
  events_saved_ = account.events;
  saved_at_ = now;
  return Nothing{};
}

void StoreFollower::wait_for_more(const std::stop_token& stop) {
  // While something is out or not saved there is work without a new event.
  const HandledPrefix::Account account = prefix_->account();
  const bool quiet = !account.is_open && account.events == events_saved_;
  const auto time = quiet ? std::chrono::milliseconds(kLongWait) : look_every();
  const auto more = store_.wait_beyond(after_, time, stop);
  if (!more && fail(more.error()) == Turn::retrying) wait_to_retry(stop);
}

void StoreFollower::wait_for_settled(const std::stop_token& stop) {
  const auto enough = [this](const HandledPrefix::Account& now) {
    return now.has_gap ? now.out == 0 : now.out < options_.out_max;
  };
  prefix_->wait_until(enough, std::chrono::steady_clock::now() + look_every(), stop);
}

/// While something is out nothing wakes the follower when it ends unhandled.
std::chrono::milliseconds StoreFollower::look_every() const {
  return std::clamp(options_.save_every, std::chrono::milliseconds{1}, std::chrono::milliseconds{100});
}

void StoreFollower::wait_to_retry(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, pause_, [this] { return !error_; });
}

}  // namespace headrace
