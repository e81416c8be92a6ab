#include "headrace/dispatch/dispatcher.hpp"

#include <algorithm>
#include <bit>

#include "headrace/base/topology.hpp"
#include "headrace/route/topic_name.hpp"

namespace headrace {
namespace {

constexpr std::size_t kLaneBytesMin = 4096;
constexpr unsigned kWorkersMax = 1024;
const Route kNobody;

void check_options(const DispatcherOptions& options) {
  if (!std::has_single_bit(options.lane_bytes) || options.lane_bytes < kLaneBytesMin) {
    throw ConfigError("lane_bytes is " + std::to_string(options.lane_bytes) +
                      ": give a power of two, at least 4096");
  }
  if (options.workers > kWorkersMax) {
    throw ConfigError("workers is " + std::to_string(options.workers) + ": at most 1024 are supported");
  }
  if (options.workers == 0 && (options.polled_workers == 0 || options.polled_workers > kWorkersMax)) {
    throw ConfigError("polled_workers is " + std::to_string(options.polled_workers) + ": give 1 to 1024");
  }
  if (options.stand_ins_max > 64) {
    throw ConfigError("stand_ins_max is " + std::to_string(options.stand_ins_max) + ": give 0 to 64");
  }
  if (options.publishers_max == 0 || options.publishers_max > 65'536) {
    throw ConfigError("publishers_max is " + std::to_string(options.publishers_max) + ": give 1 to 65536");
  }
  if (options.high_watermark < 0.5 || options.high_watermark > 1.0) {
    throw ConfigError("high_watermark is a share of the lane: give 0.5 to 1");
  }
  if (!std::has_single_bit(options.balanced_slots)) {
    throw ConfigError("balanced_slots is " + std::to_string(options.balanced_slots) + ": give a power of two");
  }
}

}  // namespace

std::shared_ptr<Dispatcher> Dispatcher::create(DispatcherOptions options) {
  check_options(options);
  std::shared_ptr<Dispatcher> made(new Dispatcher(std::move(options)));
  made->create_workers();
  return made;
}

Dispatcher::Dispatcher(DispatcherOptions options)
    : options_(std::move(options)),
      clock_(CycleClock::machine()),
      workers_polled_(options_.workers == 0),
      workers_wanted_(workers_polled_ ? options_.polled_workers : options_.workers),
      high_watermark_bytes_(
          static_cast<std::uint64_t>(static_cast<double>(options_.lane_bytes) * options_.high_watermark)),
      topics_(options_.topics_max),
      routes_({workers_wanted_, std::min<std::uint64_t>(options_.lane_bytes / 16, FrameKind::kStrideMax)}),
      publishers_(options_.publishers_max + workers_wanted_ * (std::size_t{2} + options_.stand_ins_max)) {}

void Dispatcher::create_workers() {
  balanced_ =
      std::make_unique<MpmcRing<BalancedEvent>>(MpmcRingOptions{options_.balanced_slots, publishers_.size()});
  std::vector<PublisherState*> own;
  for (unsigned worker = 0; worker < workers_wanted_; ++worker) {
    own.push_back(new_publisher_state(PublisherState::Owner::worker));
  }
  for (unsigned worker = 0; worker < workers_wanted_; ++worker) {
    workers_.push_back(std::make_unique<Worker>(*this, worker, *own[worker]));
  }
}

Dispatcher::~Dispatcher() {
  HEADRACE_CHECK("dispatcher.threads", threads_.empty(), "destroyed while its workers run");
  for (const auto& worker : workers_) worker->abandon_all();  // of publishers that stop() could not wait for
  for (const auto& topic : topics_.all()) {
    const Route* route = topic->route.load(std::memory_order_relaxed);  // no partner: publishers are gone
    if (route != &kNobody) delete route;
  }
  for (auto& publisher : publishers_) {
    delete publisher.load(std::memory_order_relaxed);  // no partner: publishers and workers are gone
  }
}

// --- Publishers ----------------------------------------------------------------------------------------------

PublisherState* Dispatcher::new_publisher_state(PublisherState::Owner owner) {
  const std::uint32_t index =
      publishers_made_.load(std::memory_order_relaxed);  // no partner: own store under the mutex
  if (index == publishers_.size()) return nullptr;
  if (owner == PublisherState::Owner::program) {
    if (program_publishers_made_ == options_.publishers_max) return nullptr;
    ++program_publishers_made_;
  }
  auto* state = new PublisherState(*this, index, owner);
  publishers_[index].store(state, std::memory_order_release);    // K1 -> K2
  publishers_made_.store(index + 1, std::memory_order_release);  // K3 -> K4
  return state;
}

Publisher Dispatcher::publisher(std::string_view name) {
  const std::lock_guard lock(mutex_);
  PublisherState* state = nullptr;
  if (publishers_free_.empty()) {
    state = new_publisher_state(PublisherState::Owner::program);
  } else {
    state = publishers_free_.back();
    publishers_free_.pop_back();
  }
  if (state != nullptr) {
    state->told_as = name;
    if (life_ >= Life::stopping) {
      state->close();
    } else {
      state->reopen();
    }
  }
  return Publisher(shared_from_this(), state);
}

PublisherState& Dispatcher::seat_publisher() {
  const std::lock_guard lock(mutex_);
  PublisherState* const state = new_publisher_state(PublisherState::Owner::worker);
  HEADRACE_CHECK("dispatcher.seats", state != nullptr, "a worker has no more seats than stand_ins_max + 1");
  // Two threads may run handlers of one subscription on this worker then, so they are not counted for it.
  state->told_as = "handlers with move_shards";
  return *state;
}

void Dispatcher::give_back(PublisherState& state) noexcept {
  state.on_watermark({});  // its end of the lanes is the caller's still
  const std::lock_guard lock(mutex_);
  keep_flow(state);
  publishers_free_.push_back(&state);
}

void Publisher::give_back() noexcept {
  if (dispatcher_ == nullptr || state_ == nullptr) return;  // borrowed from a worker, or none
  dispatcher_->give_back(*state_);
  state_ = nullptr;
}

Publisher& Dispatcher::thread_publisher() {
  thread_local Publisher borrowed(nullptr, nullptr);
  if (const Worker* worker = Worker::current(); worker != nullptr && &worker->dispatcher() == this) {
    borrowed.state_ = &worker->publisher();
    return borrowed;
  }
  if (HandlerSeat* seat = HandlerSeat::current(); seat != nullptr && &seat->context().dispatcher() == this) {
    borrowed.state_ = &seat->publisher();
    return borrowed;
  }
  // Publishers of buses that stopped are let go the next time this thread meets a new bus.
  thread_local std::vector<std::pair<Dispatcher*, Publisher>> own;
  for (auto& [dispatcher, publisher] : own) {
    if (dispatcher == this) return publisher;
  }
  std::erase_if(own, [](const auto& entry) { return entry.first->stopped(); });
  Publisher made = publisher("bus.publish()");
  if (made.state_ != nullptr) return own.emplace_back(this, std::move(made)).second;
  borrowed.state_ = nullptr;  // too many are alive now; perhaps not at the next event
  return borrowed;
}

std::vector<const RouteReader*> Dispatcher::all_readers() const {
  std::vector<const RouteReader*> all;
  each_publisher([&](PublisherState& publisher) { all.push_back(&publisher.reader()); });
  for (const auto& worker : workers_) all.push_back(&worker->reader());
  return all;
}

// --- Topics and routes ---------------------------------------------------------------------------------------

const TopicNode& Dispatcher::typed_topic(const EventOps& ops, std::string_view name) {
  return *learn_topic(ops, name, TopicTable::NamedBy::type);
}

PublishStatus Dispatcher::find_topic(const EventOps& ops, std::string_view name, const TopicNode*& node) {
  node = topics_.find(ops, name);
  if (node != nullptr) return PublishStatus::published;
  if (!check_topic_name(name)) return PublishStatus::bad_topic;
  node = learn_topic(ops, name, TopicTable::NamedBy::input);
  return node == nullptr ? PublishStatus::too_many_topics : PublishStatus::published;
}

const TopicNode* Dispatcher::learn_topic(const EventOps& ops, std::string_view name, TopicTable::NamedBy by) {
  const std::lock_guard lock(mutex_);
  if (const TopicNode* known = topics_.find(ops, name)) return known;
  auto made = topics_.make(ops, name, by);
  if (made == nullptr) return nullptr;
  made->route.store(&kNobody, std::memory_order_relaxed);  // no partner: the node is not shared yet
  RetiredRoutes::Batch nothing;
  replace_route(*made, nothing);
  return &topics_.add(std::move(made));
}

void Dispatcher::replace_route(TopicNode& node, RetiredRoutes::Batch& replaced) {
  const Route* old = node.route.load(std::memory_order_relaxed);  // own store under the mutex, no partner
  std::unique_ptr<const Route> made = routes_.build(node, entries_, replaced.handlers);
  const DirectWay direct = life_ < Life::stopping ? made->direct(node.ops->has_key, node.key_hash) : DirectWay();
  if (!made->balanced.empty())
    has_balanced_.store(true, std::memory_order_relaxed);       // no partner: see has_balanced
  node.route.store(made.release(), std::memory_order_release);  // T1 -> T2
  auto& shortest = options_.flow == Flow::counted ? node.direct_counted : node.direct;
  shortest.store(direct.bits(), std::memory_order_release);  // T1 -> T2
  if (old != &kNobody) replaced.routes.emplace_back(old);
}

void Dispatcher::reroute(const SubscriptionState& changed) {
  RetiredRoutes::Batch replaced;
  for (const auto& topic : topics_.all()) {
    if (changed.type != kAnyEventType && changed.type != topic->ops->payload->type) continue;
    if (changed.filter->matches(topic->name)) replace_route(*topic, replaced);
  }
  retired_.add(std::move(replaced), all_readers());
  retired_.collect();
  forget_ended_subscriptions();
}

// --- Subscriptions -------------------------------------------------------------------------------------------

std::shared_ptr<SubscriptionState> Dispatcher::describe(const RoutingOptions& options,
                                                        std::string_view default_filter, EventTypeId type) {
  auto state = std::make_shared<SubscriptionState>();
  const std::string_view filter_text = options.filter.empty() ? default_filter : options.filter;
  Result<Filter> filter = Filter::parse(filter_text);
  if (!filter) throw ConfigError("filter '" + std::string(filter_text) + "': " + filter.error().message());
  state->filter = std::move(*filter);
  state->type = type;
  state->placement = options.placement;
  state->overflow = options.overflow;
  if (options.group.starts_with('#')) throw ConfigError("a group's name must not begin with '#'");
  state->group = options.group;
  state->name = !options.name.empty() ? options.name : !options.group.empty() ? options.group : filter_text;
  if (options.worker >= 0) {
    if (options.placement != Placement::pinned) throw ConfigError("worker goes with Placement::pinned only");
    if (static_cast<unsigned>(options.worker) >= workers_wanted_) {
      throw ConfigError("worker " + std::to_string(options.worker) + " is not there: the bus has " +
                        std::to_string(workers_wanted_));
    }
    state->worker = static_cast<unsigned>(options.worker);
  }
  const auto policy = options.overflow.policy;
  const bool queues = policy == Overflow::Policy::drop_oldest || policy == Overflow::Policy::conflate ||
                      policy == Overflow::Policy::spill;
  if (options.overflow.deadline < std::chrono::nanoseconds::zero()) {
    throw ConfigError("the deadline of Overflow::block is below zero");
  }
  if (queues && options.overflow.budget_events == 0) throw ConfigError("an overflow budget must not be zero");
  if (queues && options.placement == Placement::balanced) {
    throw ConfigError("a balanced group takes Overflow::block, fail or drop_newest");
  }
  return state;
}

Subscription Dispatcher::add(std::shared_ptr<SubscriptionState> state) {
  const std::lock_guard lock(mutex_);
  state->serial = ++subscriptions_made_;
  if (state->group.empty()) state->group.append("#").append(std::to_string(state->serial));
  routes_.add(state);
  state->stats.resize(workers_wanted_);
  for (unsigned worker = 0; worker < workers_wanted_; ++worker) {
    if (state->placement != Placement::pinned || state->worker == worker) {
      state->stats[worker] = std::make_unique<SubscriptionStats>();
    }
  }
  reroute(*state);
  return Subscription(shared_from_this(), std::move(state));
}

void Subscription::end() noexcept {
  if (state_ == nullptr) return;
  dispatcher_->unsubscribe(*state_);
  state_.reset();
  dispatcher_.reset();
}

void Dispatcher::unsubscribe(SubscriptionState& state) noexcept {
  {
    const std::lock_guard lock(mutex_);
    state.ended = true;
    routes_.remove(state);
    reroute(state);
    RunningHandler<SubscriptionState>::cancel(state);
  }
  Worker* const self = Worker::current();
  HandlerSeat* const seat = HandlerSeat::current();
  const bool in_seat = seat != nullptr && seat->context().is_of(state);
  const bool inside = in_seat || (self != nullptr && self->running() == &state);
  for (unsigned worker = 0; worker < worker_count(); ++worker) {
    if (inside && workers_[worker].get() == self) continue;
    wait_for_end_of_calls(state, worker, in_seat ? &seat->context() : nullptr);
  }
  // What the subscription kept is given up by the workers that keep it, which may sleep.
  for (const auto& worker : workers_) {
    if (worker->agent() != nullptr) worker->doorbell().wake();
  }
  if (in_seat) {
    seat->end_after_run(state);
  } else if (inside) {
    self->end_after_run(state);
  } else {
    state.handler.reset();
  }
}

/// Of those on one worker, but for that with the context `own`. No new one begins: the subscription is cancelled.
void Dispatcher::wait_for_end_of_calls(const SubscriptionState& state, unsigned worker,
                                       const Context* own) const noexcept {
  const WorkerAgent* const agent = workers_[worker]->agent();
  const auto runs = [&] {
    if (workers_[worker]->running() == &state) {
      // The own call, unless another thread has become the worker: that one then says so soon.
      if (own == nullptr || own->worker() != worker || agent->is_left_behind(*own)) return true;
    }
    // Asked after: a call is left behind before the worker says that it runs it no more.
    return agent != nullptr && agent->is_left_behind(state, own);
  };
  for (int round = 0; runs(); ++round) {
    if (round < 256) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }
}

void Dispatcher::forget_ended_subscriptions() {
  std::erase_if(routes_.all(), [&](const std::shared_ptr<SubscriptionState>& state) {
    const bool ended = state->cancelled.load(std::memory_order_relaxed);  // no partner: written under the mutex
    if (!ended || state.use_count() > 1) return false;
    ended_subscriptions_ += ledger_of(*state);
    keep_flow(*state);
    return true;
  });
}

// --- Callbacks -----------------------------------------------------------------------------------------------

void Dispatcher::wake_any() noexcept {
  asymmetric_fence_light();  // F1 <-> F2
  for (const auto& worker : workers_) {
    if (worker->doorbell().sleepers().had_waiters()) {
      worker->doorbell().wake();
      return;
    }
  }
}

MpmcRing<BalancedEvent>::Producer Dispatcher::balanced_producer() {
  auto producer = balanced_->producer();
  HEADRACE_CHECK("balanced.producers", producer.has_value(), "there is a lane for each publisher");
  return std::move(*producer);
}

void Dispatcher::tell_watermark(const Watermark& watermark) {
  publisher_at(watermark.publisher)->tell_watermark(watermark);
}

void Dispatcher::report_slow_consumer(unsigned worker, std::chrono::nanoseconds waited) {
  if (!options_.on_slow_consumer) return;
  options_.on_slow_consumer({running_on(worker), worker, waited});
}

std::string Dispatcher::running_on(unsigned worker) {
  const std::lock_guard lock(mutex_);  // keeps the subscription alive while its name is copied
  const SubscriptionState* running = workers_[worker]->running();
  const auto& all = routes_.all();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& known) { return known.get() == running; });
  return found == all.end() ? std::string() : (*found)->name;
}

void Dispatcher::report_handler_error(const HandlerError& error) noexcept {
  if (options_.on_handler_error) options_.on_handler_error(error);
}

namespace dispatch_detail {

void report_failure(Context& context, const std::exception_ptr& failure) noexcept {
  const auto report = [&](std::string_view what) {
    context.dispatcher().report_handler_error({context.subscription(), context.topic(), what, context.worker()});
  };
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    report(error.what());
  } catch (...) {
    report("not a std::exception");
  }
}

}  // namespace dispatch_detail
}  // namespace headrace
