#include "headrace/delivery/redrive.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>
#include <utility>

#include "headrace/delivery/dead_letters.hpp"
#include "headrace/delivery/delivery.hpp"
#include "headrace/delivery/delivery_agent.hpp"
#include "headrace/delivery/delivery_directory.hpp"
#include "headrace/delivery/later.hpp"
#include "headrace/event/time_after.hpp"
#include "headrace/port/event_types.hpp"

namespace headrace {
namespace {

constexpr const char* kStopped = "the bus has stopped";

/// What it throws becomes an error: nothing may be thrown out of a worker's turn.
Status run_edit(const Redrive::Edit& edit, FieldValue& fields) {
  try {
    return edit(fields);
  } catch (const std::exception& thrown) {
    return Error{std::string("the edit threw: ") + thrown.what(), {}};
  } catch (...) {
    return Error{"the edit threw something that is no std::exception", {}};
  }
}

/// For a rate above zero. One letter in three centuries is none.
std::chrono::nanoseconds pause_of(double letters_per_second) {
  constexpr double kLongest = 9e18;
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(1e9 / letters_per_second, kLongest)));
}

}  // namespace

// --- One run -------------------------------------------------------------------------------------------------

Redrive::Redrive(std::shared_ptr<DeadLetterStore> store, DeadLetterFilter filter, RedriveOptions options,
                 WhenOneFails when_one_fails, std::shared_ptr<DeliveryDirectory> directory, DeliveryAgent* agent,
                 Edit edit)
    : store_(std::move(store)),
      options_(options),
      when_one_fails_(when_one_fails),
      directory_(std::move(directory)),
      edit_(std::move(edit)),
      agent_(agent),
      filter_(std::move(filter)),
      left_(options.letters_max) {}

RedriveReport Redrive::report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

void Redrive::cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
}

/// A key may have been parked on another worker than the one where its letters ran: after a restart with another
/// number of workers, or before its first event.
void Redrive::finish(std::string error) {
  directory_->free_parked_keys();
  const std::lock_guard lock(mutex_);
  report_.finished = true;
  report_.error = std::move(error);
}

/// On the run's worker, with no letter under way.
void Redrive::step() {
  {
    const std::lock_guard lock(mutex_);
    if (cancelled_) left_ = 0;
  }
  if (left_ == 0) return finish({});
  if (agent_->now_ns() < next_ns_) return agent_->work_at(next_ns_, shared_from_this());
  Result<Taken> taken = store_->take({filter_, 1, agent_->wall_time(), options_.lease_for});
  if (!taken) return finish(taken.error().message());
  if (taken->letters.empty()) return finish({});
  auto letter = std::make_shared<DeadLetter>(std::move(taken->letters.front()));
  filter_.after = letter->id;
  --left_;
  if (options_.letters_per_second > 0) {
    next_ns_ = later(agent_->now_ns(), pause_of(options_.letters_per_second));
  }
  const auto type = type_of(*letter);
  if (!type) return skip(taken->lease, letter->id, type.error().message());
  const auto state = directory_->find(letter->subscription, *type);
  if (state == nullptr) {
    return skip(taken->lease, letter->id, "no subscription of the name '" + letter->subscription + "' handles it");
  }
  if (const Status done = prepare(*letter, state->type); !done) {
    return skip(taken->lease, letter->id, done.error().message());
  }
  auto turn =
      std::make_shared<RedriveTurn>(shared_from_this(), store_, taken->lease, letter->id, options_.lease_for);
  DeliverySite& site = DeliveryDirectory::delivery_of(*state).site_of(*letter, *state);
  // The state keeps the site.
  static_cast<void>(site.agent().post([state, &site, letter, turn](DeliveryAgent::Posted posted) {
    if (posted == DeliveryAgent::Posted::runs) site.redrive(*letter, turn);
  }));
}

void Redrive::skip(DeadLetterLease lease, DeadLetterId letter, std::string why) {
  static_cast<void>(store_->release(lease, {&letter, 1}).has_value());
  std::string error = "a letter of the key was skipped: " + why;
  {
    const std::lock_guard lock(mutex_);
    ++report_.skipped;
    report_.why_skipped = std::move(why);
  }
  when_one_fails_ == WhenOneFails::stop ? finish(std::move(error)) : go_on();
}

/// Two subscriptions of one name may differ in nothing but the type. Letters of which it is not known go to the oldest
/// one.
Result<std::optional<EventTypeId>> Redrive::type_of(const DeadLetter& letter) const {
  if (letter.event) return std::optional(letter.event.ops()->payload->type);
  const EventTypes* const types = agent_->event_types();
  if (letter.type.empty() || types == nullptr) return std::optional<EventTypeId>{};
  const auto type = types->find(letter.type);
  if (!type) return type.error();
  return std::optional(*type);
}

Status Redrive::prepare(DeadLetter& letter, EventTypeId type) const {
  if (letter.event && !edit_) return Nothing{};
  const EventTypes* const types = agent_->event_types();
  if (types == nullptr) return Error{"DeliveryDefaults has no event_types to read and write it", {}};
  EventMeta meta;
  if (letter.event) {
    const EventOps& ops = *letter.event.ops();
    if (ops.payload_offset != 0) std::memcpy(&meta, letter.event.data(), sizeof meta);
  } else {
    meta = {letter.envelope.id, letter.envelope.correlation, letter.envelope.causation, 0};
  }
  Result<FieldValue> fields = letter.event
                                  ? types->fields(type, static_cast<const std::byte*>(letter.event.data()) +
                                                            letter.event.ops()->payload_offset)
                                  : types->fields(type, letter.envelope.version, *letter.body);
  if (!fields) return fields.error();
  if (edit_) {
    if (Status edited = run_edit(edit_, *fields); !edited) return edited;
  }
  Result<HeldEvent> made = types->make(type, *fields, meta);
  if (!made) return made.error();
  const EventOps& ops = *made->ops();
  const std::string key = ops.payload->key_text(static_cast<const std::byte*>(made->data()) + ops.payload_offset);
  if (edit_ && key != letter.envelope.key) {
    return Error{"the edit changes the key, and with it the event's place", letter.envelope.key};
  }
  letter.event = std::move(*made);
  return Nothing{};
}

void Redrive::ended(bool handled) {
  {
    const std::lock_guard lock(mutex_);
    ++(handled ? report_.handled : report_.returned);
  }
  if (!handled && when_one_fails_ == WhenOneFails::stop) return finish("a letter of the key failed again");
  go_on();
}

void Redrive::go_on() {
  const bool taken = agent_->post([self = shared_from_this()](DeliveryAgent::Posted posted) {
    posted == DeliveryAgent::Posted::runs ? self->step() : self->finish(kStopped);
  });
  if (!taken) finish(kStopped);
}

// --- One letter's turn ---------------------------------------------------------------------------------------

void RedriveTurn::settle() {
  settled_ = true;
  // A store that is down lets the lease run out: the event then comes once more under its id.
  static_cast<void>(store_->settle(lease_, {&letter_, 1}).has_value());
}

void RedriveTurn::keep(EventTime now, std::chrono::nanoseconds wait) {
  const EventTime until = time_after(time_after(now, wait), lease_for_);
  static_cast<void>(store_->renew(lease_, now, time_between(now, until)).has_value());
}

RedriveTurn::~RedriveTurn() {
  if (!settled_) static_cast<void>(store_->release(lease_, {&letter_, 1}).has_value());
  run_->ended(settled_);
}

// --- Where letters go back to --------------------------------------------------------------------------------

void DeliveryDirectory::add(const std::shared_ptr<SubscriptionState>& state) {
  const std::lock_guard lock(mutex_);
  std::erase_if(states_, [](const auto& known) { return known.expired(); });
  states_.push_back(state);
}

std::vector<std::shared_ptr<SubscriptionState>> DeliveryDirectory::all() {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<SubscriptionState>> alive;
  for (const auto& known : states_) {
    auto state = known.lock();
    // No partner: one that ends now is found out by its worker.
    if (state != nullptr && !state->cancelled.load(std::memory_order_relaxed)) alive.push_back(std::move(state));
  }
  return alive;
}

std::shared_ptr<SubscriptionState> DeliveryDirectory::find(std::string_view subscription,
                                                           std::optional<EventTypeId> type) {
  for (auto& state : all()) {
    if (state->name == subscription && (!type || state->type == *type)) return state;
  }
  return nullptr;
}

void DeliveryDirectory::free_parked_keys() {
  for (const auto& state : all()) {
    delivery_of(*state).each_site([&](DeliverySite& site) {
      // The state keeps the site.
      static_cast<void>(site.agent().post([state, &site](DeliveryAgent::Posted posted) {
        if (posted == DeliveryAgent::Posted::runs) site.free_parked_keys();
      }));
    });
  }
}

Delivery& DeliveryDirectory::delivery_of(SubscriptionState& state) noexcept {
  return *static_cast<Delivery*>(state.delivery.get());
}

// --- The operator's face -------------------------------------------------------------------------------------

std::shared_ptr<Redrive> DeadLetters::begin(DeadLetterFilter filter, RedriveOptions options,
                                            Redrive::WhenOneFails when, Redrive::Edit edit) {
  const auto dispatcher = dispatcher_.lock();
  DeliveryAgent* agent = nullptr;
  if (dispatcher != nullptr) agent = &DeliveryAgent::of(*dispatcher, 0, defaults_);
  auto run =
      std::make_shared<Redrive>(store_, std::move(filter), options, when, directory_, agent, std::move(edit));
  if (!(options.letters_per_second >= 0)) {
    run->finish("letters_per_second is below zero, or no number");
    return run;
  }
  // An agent that was made after the stop would wait for ever.
  const bool alive = agent != nullptr && !dispatcher->stopped();
  const bool taken = alive && agent->post([run](DeliveryAgent::Posted posted) {
    posted == DeliveryAgent::Posted::runs ? run->step() : run->finish(kStopped);
  });
  if (!taken) run->finish(kStopped);
  return run;
}

Result<std::size_t> DeadLetters::discard(const DeadLetterFilter& filter) {
  const auto dispatcher = dispatcher_.lock();
  const EventTime now = dispatcher != nullptr ? dispatcher->options().time.wall_time() : EventTime::max();
  Result<std::size_t> discarded = store_->discard(filter, now);
  if (!discarded || dispatcher == nullptr) return discarded;
  directory_->free_parked_keys();
  return discarded;
}

}  // namespace headrace
