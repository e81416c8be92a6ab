#include "headrace/bus/durable_topics.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace headrace {
namespace {

constexpr std::chrono::hours kLongWait{1};
// As a projection's: looking at events that do not match is not worth a flush each time.
constexpr EventPosition kIdleStep = 1000;

}  // namespace

DurableTopics::DurableTopics(Bus& bus, EventStore& store, CheckpointStore& checkpoints, DurableOptions options)
    : bus_(bus), store_(store), checkpoints_(checkpoints), options_(std::move(options)) {
  if (options_.name.empty()) throw ConfigError("durable topics need a name for their checkpoint");
  if (options_.types == nullptr) throw ConfigError("durable topics '" + options_.name + "' need types");
  if (options_.out_max == 0 || options_.batch_events == 0) {
    throw ConfigError("durable topics '" + options_.name + "': out_max and batch_events must not be 0");
  }
}

DurableTopics::~DurableTopics() { static_cast<void>(stop(std::chrono::milliseconds{0}).has_value()); }

void DurableTopics::add(const std::string& name, TypedTopic topic) {
  const auto fault = [&](const std::string& what) {
    throw ConfigError("durable topics '" + options_.name + "', '" + name + "': " + what);
  };
  if (thread_.joinable() || publisher_) fault("topics are added before the start");
  if (const auto known = options_.types->name_of(topic.type); !known) fault(known.error().message());
  const auto at = topics_.find(name);
  if (at != topics_.end() && at->second.type != topic.type) fault("it is the topic of another type already");
  topics_.insert_or_assign(name, std::move(topic));
}

EncodedEvent DurableTopics::encode(std::string_view topic, EncodedBody body, const PublishOptions& options,
                                   const EventMeta* cause) const {
  EncodedEvent event;
  Envelope& envelope = event.envelope;
  envelope.topic = topic;
  envelope.id = options.id ? options.id : EventId::make();
  envelope.time = bus_.dispatcher().options().time.wall_time();
  envelope.correlation = options.correlation;
  envelope.causation = options.causation;
  if (cause != nullptr) {
    if (!envelope.correlation) envelope.correlation = cause->correlation;
    if (!envelope.causation) envelope.causation = cause->id;
  }
  if (!envelope.correlation) envelope.correlation = envelope.id;
  event.content_type = std::move(body.content_type);
  event.body = std::move(body.bytes);
  return event;
}

// --- Life ----------------------------------------------------------------------------------------------------

void DurableTopics::start() {
  HEADRACE_CHECK("durable.start", !thread_.joinable(), "durable topics are started once");
  thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

std::size_t DurableTopics::poll() {
  HEADRACE_CHECK("durable.poll", !thread_.joinable(), "durable topics that have a thread are not polled");
  const std::uint64_t before = status().dispatched;
  static_cast<void>(turn());  // what went wrong stands in status()
  return static_cast<std::size_t>(status().dispatched - before);
}

Result<std::size_t> DurableTopics::stop(std::chrono::milliseconds deadline) {
  {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
  }
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
  const auto end = std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(deadline, kLongWait);
  prefix_->wait_until([](const HandledPrefix::Account& account) { return account.out == 0; }, end, {});
  if (Status saved = save(Save::at_once); !saved) return saved.error();
  return prefix_->account().out;
}

DurableStatus DurableTopics::status() const {
  const HandledPrefix::Account account = prefix_->account();
  const std::scoped_lock lock(mutex_);
  using State = DurableStatus::State;
  const State state = closed_              ? State::closed
                      : !error_            ? State::running
                      : pause_.count() > 0 ? State::retrying
                                           : State::failed;
  return {state, account.handled, account.out, dispatched_, rewinds_, error_};
}

bool DurableTopics::wait_for(EventPosition position, std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + std::min<std::chrono::milliseconds>(time, kLongWait);
  return prefix_->wait_until(
      [position](const HandledPrefix::Account& account) { return account.handled >= position; }, end, {});
}

void DurableTopics::resume() {
  {
    const std::scoped_lock lock(mutex_);
    error_.reset();
    pause_ = std::chrono::milliseconds{0};
  }
  changed_.notify_all();
}

// --- Dispatching ---------------------------------------------------------------------------------------------

void DurableTopics::loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    switch (turn()) {
      case Turn::dispatched:
        break;
      case Turn::nothing_new:
        wait_for_more(stop);
        break;
      case Turn::out_full: {
        const auto end = std::chrono::steady_clock::now() + options_.save_every;
        prefix_->wait_until(
            [&](const HandledPrefix::Account& now) {
              return now.has_gap ? now.out == 0 : now.out < options_.out_max;
            },
            end, stop);
        break;
      }
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

DurableTopics::Turn DurableTopics::turn() {
  if (const auto not_yet = begin()) return *not_yet;
  if (Status saved = save(Save::when_due); !saved) return fail(saved.error());
  const HandledPrefix::Account account = prefix_->account();
  if (account.has_gap) {
    // Those behind the gap are left to end, so that nothing is out twice.
    if (account.out != 0) return Turn::out_full;
    after_ = prefix_->rewind();
    const std::scoped_lock lock(mutex_);
    ++rewinds_;
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
  const Turn done = dispatch(events);
  if (done != Turn::dispatched) return done;
  after_ = end->through;
  prefix_->looked_through(after_);
  {
    const std::scoped_lock lock(mutex_);
    error_.reset();
    pause_ = std::chrono::milliseconds{0};
  }
  return events.empty() ? Turn::nothing_new : Turn::dispatched;
}

/// What comes before the first event: nothing, mostly.
std::optional<DurableTopics::Turn> DurableTopics::begin() {
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) return Turn::closed;
    if (error_ && pause_.count() == 0) return Turn::failed;
  }
  if (position_known_) return std::nullopt;
  if (topics_.empty()) return Turn::closed;
  const auto checkpoint = checkpoints_.load(options_.name);
  if (!checkpoint) return fail(checkpoint.error());
  // A reader that has only begun is known as one: retention keeps what it has not read.
  if (*checkpoint == 0) {
    if (Status begun = checkpoints_.save(options_.name, 0); !begun) return fail(begun.error());
  }
  after_ = saved_ = *checkpoint;
  prefix_->start_at(after_);
  saved_at_ = std::chrono::steady_clock::now();
  EventQuery::Item& item = query_.any_of.emplace_back();
  for (const auto& [name, topic] : topics_) item.topics.push_back(TopicFilter::exactly(name));
  publisher_.emplace(bus_.publisher());
  position_known_ = true;
  return std::nullopt;
}

DurableTopics::Turn DurableTopics::dispatch(std::vector<StoredEvent>& events) {
  for (StoredEvent& event : events) {
    const std::string topic = event.event.envelope.topic;
    const EventPosition position = event.position;
    const std::string where = "position " + std::to_string(position) + ", " + topic;
    const auto status = topics_.find(topic)->second.dispatch(*publisher_, prefix_, event);
    if (!status) return fail({status.error().message(), where, Error::Retry::no});
    switch (*status) {
      case PublishStatus::published:
      case PublishStatus::dropped:
        break;
      case PublishStatus::closed: {
        const std::scoped_lock lock(mutex_);
        closed_ = true;
        return Turn::closed;
      }
      case PublishStatus::bad_topic:
      case PublishStatus::too_many_topics:
        return fail({std::string(to_string(*status)), where, Error::Retry::no});
      case PublishStatus::unrouted:
        return fail({"nobody subscribes", where, Error::Retry::maybe});
      default:
        return fail({std::string(to_string(*status)), where, Error::Retry::maybe});
    }
    after_ = position;
    const std::scoped_lock lock(mutex_);
    ++dispatched_;
  }
  return Turn::dispatched;
}

DurableTopics::Turn DurableTopics::fail(Error error) {
  const bool again = error.retry == Error::Retry::maybe;
  {
    const std::scoped_lock lock(mutex_);
    error.where = "durable topics " + options_.name + (error.where.empty() ? "" : ", " + error.where);
    error_ = std::move(error);
    const auto longer = pause_.count() == 0 ? options_.retry_first : 2 * pause_;
    constexpr std::chrono::milliseconds kShortest{1};
    pause_ = again ? std::clamp(longer, kShortest, std::max(kShortest, options_.retry_longest))
                   : std::chrono::milliseconds{0};
  }
  return again ? Turn::retrying : Turn::failed;
}

Status DurableTopics::save(Save when) {
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

void DurableTopics::wait_for_more(const std::stop_token& stop) {
  // While something is out or not saved there is work without a new event.
  const HandledPrefix::Account account = prefix_->account();
  const bool quiet = !account.is_open && account.events == events_saved_;
  const auto time = quiet ? std::chrono::milliseconds(kLongWait) : options_.save_every;
  const auto more = store_.wait_beyond(after_, time, stop);
  if (!more && fail(more.error()) == Turn::retrying) wait_to_retry(stop);
}

void DurableTopics::wait_to_retry(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, pause_, [this] { return !error_; });
}

}  // namespace headrace
