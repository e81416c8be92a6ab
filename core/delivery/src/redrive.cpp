#include "headrace/delivery/redrive.hpp"

#include <utility>

#include "headrace/delivery/dead_letters.hpp"
#include "headrace/delivery/delivery.hpp"
#include "headrace/delivery/delivery_agent.hpp"
#include "headrace/delivery/delivery_directory.hpp"

namespace headrace {
namespace {

constexpr const char* kStopped = "the bus has stopped";

}  // namespace

// --- One run -------------------------------------------------------------------------------------------------

Redrive::Redrive(std::shared_ptr<DeadLetterStore> store, DeadLetterFilter filter, RedriveOptions options,
                 WhenOneFails when_one_fails, std::shared_ptr<DeliveryDirectory> directory, DeliveryAgent* agent)
    : store_(std::move(store)),
      options_(options),
      when_one_fails_(when_one_fails),
      directory_(std::move(directory)),
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
    next_ns_ = agent_->now_ns() + static_cast<std::uint64_t>(1e9 / options_.letters_per_second);
  }
  const auto state =
      letter->event ? directory_->find(letter->subscription, letter->event.ops()->payload->type) : nullptr;
  if (state == nullptr) {
    const DeadLetterId id = letter->id;
    static_cast<void>(store_->release(taken->lease, {&id, 1}).has_value());
    {
      const std::lock_guard lock(mutex_);
      ++report_.skipped;
    }
    return when_one_fails_ == WhenOneFails::stop ? finish("a letter of the key has no handler here") : go_on();
  }
  auto turn = std::make_shared<RedriveTurn>(shared_from_this(), store_, taken->lease, letter->id);
  DeliverySite& site = DeliveryDirectory::delivery_of(*state).site_of(*letter, *state);
  // The state keeps the site.
  static_cast<void>(site.agent().post([state, &site, letter, turn](DeliveryAgent::Posted posted) {
    if (posted == DeliveryAgent::Posted::runs) site.redrive(*letter, turn);
  }));
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

std::shared_ptr<SubscriptionState> DeliveryDirectory::find(std::string_view subscription, EventTypeId type) {
  for (auto& state : all()) {
    if (state->name == subscription && state->type == type) return state;
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
                                            Redrive::WhenOneFails when) {
  const auto dispatcher = dispatcher_.lock();
  DeliveryAgent* agent = nullptr;
  if (dispatcher != nullptr) agent = &DeliveryAgent::of(*dispatcher, 0, defaults_);
  auto run = std::make_shared<Redrive>(store_, std::move(filter), options, when, directory_, agent);
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
