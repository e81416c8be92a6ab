#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/base/check.hpp"
#include "headrace/bus/breaker_listeners.hpp"
#include "headrace/bus/subscribe_options.hpp"
#include "headrace/delivery/dead_letters.hpp"
#include "headrace/delivery/delivering_handler.hpp"
#include "headrace/delivery/delivery.hpp"
#include "headrace/delivery/later.hpp"
#include "headrace/delivery/scheduled_event.hpp"
#include "headrace/delivery/watchdog.hpp"
#include "headrace/dispatch/dispatcher.hpp"
#include "headrace/event/time_after.hpp"

namespace headrace {

/// The face of Headrace: an in-process event bus.
///
///     hr::Bus bus{{.workers = 2, .pin = hr::Pin::cores}};
///     auto paid = bus.subscribe<Payment>([](const Payment& p) { … });
///     bus.start();
///     auto publisher = bus.publisher();
///     if (auto r = publisher.publish(Payment{7, 1999}); !r) …
///     hr::StopReport report = bus.stop(5s);
///
/// Threads:   every member function from any thread, but not stop() and the destructor from inside one of its handlers.
/// Order:     one publisher, one key, one group: handled in the order published.
/// Lifetime:  Publishers and Subscriptions may outlive the bus. The destructor stops it with a deadline of a
///            second if stop() was not called.
/// Errors:    the constructor, subscribe(), tap() and start() throw ConfigError for what cannot be honoured; nothing
///            else throws but std::bad_alloc. Events that a handler fails on are counted and reported to
///            on_handler_error.
class Bus {
 public:
  explicit Bus(DispatcherOptions options = {}, DeliveryDefaults delivery = {})
      : dispatcher_(Dispatcher::create(std::move(options))), delivery_(std::move(delivery)) {
    delivery_.on_breaker = [all = breakers_, own = std::move(delivery_.on_breaker)](const BreakerChange& change) {
      all->tell(change);
      if (own) own(change);
    };
  }
  ~Bus() {
    if (dispatcher_ == nullptr) return;
    schedule_->close();
    dispatcher_->shut_down();
    watchdog_->stop();
  }
  Bus(Bus&&) noexcept = default;
  Bus& operator=(Bus&&) = delete;

  /// Subscribes a handler of one event type T: `const T&` or `std::span<const T>`, optionally with a `Context&`.
  /// May be called while events flow; events published after it returned are seen.
  /// A handler may answer with an Outcome, or a BatchOutcome for a span; void is done.
  template <Event T, class F>
  requires HandlerOf<F, T>
  [[nodiscard]] Subscription subscribe(F handler) { return subscribe<T>(SubscribeOptions{}, std::move(handler)); }
  template <Event T, class F>
  requires HandlerOf<F, T>
  [[nodiscard]] Subscription subscribe(const SubscribeOptions& options, F handler) {
    return subscribe_where<T>(options, dispatch_detail::Always{}, std::move(handler));
  }
  /// The same for events that `predicate` accepts: subscribe<T>({}, hr::where([](const T& e) { … }), handler).
  template <Event T, class P, class F>
  requires HandlerOf<F, T>
  [[nodiscard]] Subscription subscribe(const SubscribeOptions& options, Where<P> where, F handler) {
    return subscribe_where<T>(options, std::move(where.predicate), std::move(handler));
  }
  /// Subscribes to every event type whose topic matches options.filter; all topics by default: a wire tap.
  template <class F>
  requires std::invocable<F&, const AnyEvent&> || std::invocable<F&, const AnyEvent&, Context&>
  [[nodiscard]] Subscription tap(const SubscribeOptions& options, F handler) {
    return dispatcher_->subscribe_any(options.routing(), std::move(handler));
  }
  template <class F>
  [[nodiscard]] Subscription tap(F handler) {
    return tap(SubscribeOptions{.name = "tap"}, std::move(handler));
  }

  void start() { dispatcher_->start(); }

  /// A handle for one thread. When publishers_max are alive it publishes nothing and says too_many_publishers.
  [[nodiscard]] Publisher publisher() { return dispatcher_->publisher(); }
  /// The same with a name for flow(), which several may have.
  [[nodiscard]] Publisher publisher(std::string_view name) { return dispatcher_->publisher(name); }

  /// Publishes from a thread that holds no Publisher: it gets a lane of its own at its first event.
  template <class T>
  requires Event<std::remove_cvref_t<T>> PublishResult publish(T&& event) {
    return dispatcher_->thread_publisher().publish(std::forward<T>(event));
  }
  template <class T>
  requires Event<std::remove_cvref_t<T>> PublishResult publish(std::string_view topic, T&& event) {
    return dispatcher_->thread_publisher().publish(topic, std::forward<T>(event));
  }

  template <class T>
  requires Event<std::remove_cvref_t<T>> PublishResult publish(T&& event, const PublishOptions& options) {
    return dispatcher_->thread_publisher().publish(std::forward<T>(event), options);
  }
  template <class T>
  requires Event<std::remove_cvref_t<T>> PublishResult publish(std::string_view topic, T&& event,
                                                               const PublishOptions& options) {
    return dispatcher_->thread_publisher().publish(topic, std::forward<T>(event), options);
  }

  /// Publishes the event later, from a worker: one that the event's key chooses, so that events of one key that
  /// are due at one time come in the order scheduled. To the type's own topic. Times are kept to a tick of
  /// DeliveryDefaults::tick, never early. Also from inside handlers. A lane that is full makes it wait.
  template <class T>
  requires Event<std::remove_cvref_t<T>> ScheduledEvent publish_after(std::chrono::nanoseconds delay, T&& event) {
    return publish_later(delay, kOnce, std::forward<T>(event), std::nullopt);
  }
  /// With an id, correlation, or time to live, which begins when the event is published.
  template <class T>
  requires Event<std::remove_cvref_t<T>> ScheduledEvent publish_after(std::chrono::nanoseconds delay, T&& event,
                                                                      const PublishOptions& options) {
    return publish_later(delay, kOnce, std::forward<T>(event), options);
  }
  /// From inside a handler, as Context::publish: what is scheduled carries the correlation of the event that is being
  /// handled on, and names it as the cause.
  template <class T>
  requires Event<std::remove_cvref_t<T>> ScheduledEvent publish_after(const Context& context,
                                                                      std::chrono::nanoseconds delay, T&& event,
                                                                      const PublishOptions& options = {}) {
    return publish_after(delay, std::forward<T>(event), caused_by(context.meta(), options));
  }
  /// The same at a time of the wall clock, as that stands now: a clock that is set later moves nothing.
  template <class T>
  requires Event<std::remove_cvref_t<T>> ScheduledEvent publish_at(EventTime time, T&& event) {
    return publish_after(until(time), std::forward<T>(event));
  }
  template <class T>
  requires Event<std::remove_cvref_t<T>> ScheduledEvent publish_at(EventTime time, T&& event,
                                                                   const PublishOptions& options) {
    return publish_after(until(time), std::forward<T>(event), options);
  }
  template <class T>
  requires Event<std::remove_cvref_t<T>> ScheduledEvent publish_at(const Context& context, EventTime time,
                                                                   T&& event, const PublishOptions& options = {}) {
    return publish_after(context, until(time), std::forward<T>(event), options);
  }
  /// Each `period`, for the first time after one, until it is cancelled or the bus stops. Times that were missed
  /// are left out.
  template <class T>
  requires Event<std::remove_cvref_t<T>> && std::is_copy_constructible_v<std::remove_cvref_t<T>> ScheduledEvent
  publish_every(std::chrono::nanoseconds period, T&& event) {
    return publish_periodically(period, std::forward<T>(event), std::nullopt);
  }
  /// Each time with an id of its own; the options name none.
  template <class T>
  requires Event<std::remove_cvref_t<T>> && std::is_copy_constructible_v<std::remove_cvref_t<T>> ScheduledEvent
  publish_every(std::chrono::nanoseconds period, T&& event, const PublishOptions& options) {
    return publish_periodically(period, std::forward<T>(event), options);
  }
  template <class T>
  requires Event<std::remove_cvref_t<T>> && std::is_copy_constructible_v<std::remove_cvref_t<T>> ScheduledEvent
  publish_every(const Context& context, std::chrono::nanoseconds period, T&& event,
                const PublishOptions& options = {}) {
    return publish_periodically(period, std::forward<T>(event), caused_by(context.meta(), options));
  }

  /// With workers = 0: one look at everything by the calling thread; at most about `budget` events of each lane.
  /// Returns how many events were handled. One thread at a time.
  std::uint64_t poll(std::uint64_t budget = 1024) { return dispatcher_->poll(budget); }

  /// Closes intake, releases publishers that are blocked, drains, joins. What is left at the deadline is given up
  /// and counted as dropped. A second call answers with the same ledger.
  StopReport stop(std::chrono::nanoseconds deadline) {
    schedule_->close();
    StopReport report = dispatcher_->stop(deadline);
    report.scheduled = schedule_->pending();
    return report;
  }

  /// Lists, redrives and discards what the bus gave up on: the letters of DeliveryDefaults::dead_letters, or of
  /// the store that a subscription has for itself.
  [[nodiscard]] DeadLetters dead_letters() { return dead_letters(delivery_.dead_letters); }
  [[nodiscard]] DeadLetters dead_letters(std::shared_ptr<DeadLetterStore> store) {
    HEADRACE_CHECK("bus.dead_letters", store != nullptr, "this bus has no dead letter store: give one");
    return {std::move(store), directory_, dispatcher_, delivery_};
  }

  /// Calls of handlers that have lasted longer than their subscription's handler_limit, at this moment. Also from
  /// inside handlers.
  [[nodiscard]] std::vector<SlowHandler> slow_handlers() const { return watchdog_->slow_handlers(); }

  /// What it was made with.
  [[nodiscard]] const DeliveryDefaults& delivery_defaults() const noexcept { return delivery_; }
  /// For bridges, which pause their sources.
  [[nodiscard]] const std::shared_ptr<BreakerListeners>& breaker_listeners() const noexcept { return breakers_; }
  /// The engine, for layers above: with it they poll single workers and look into lanes.
  [[nodiscard]] Dispatcher& dispatcher() noexcept { return *dispatcher_; }
  [[nodiscard]] Snapshot snapshot() { return dispatcher_->snapshot(); }
  /// DeliveryDefaults::seed, for chance beside the bus; 0: none was given.
  [[nodiscard]] std::uint64_t seed() const noexcept { return delivery_.seed; }
  /// Who publishes what to whom, with the `topics_max` topics that were used most. For people: it takes the mutex
  /// that subscribing and first publishes take, for as long as all publishers and topics take to look at. Who
  /// published is known with DispatcherOptions::flow = Flow::counted only.
  [[nodiscard]] EventFlow flow(std::size_t topics_max = 200) { return dispatcher_->flow(topics_max); }

 private:
  static constexpr std::chrono::nanoseconds kOnce = std::chrono::nanoseconds::zero();

  [[nodiscard]] std::chrono::nanoseconds until(EventTime time) const {
    return time_between(dispatcher_->options().time.wall_time(), time);
  }
  template <class T>
  ScheduledEvent publish_periodically(std::chrono::nanoseconds period, T&& event,
                                      const std::optional<PublishOptions>& options) {
    HEADRACE_CHECK("bus.period", period.count() > 0, "publish_every takes a period above zero");
    HEADRACE_CHECK("bus.period_id", !options || options->id.is_none(),
                   "each event of a period has an id of its own");
    return publish_later(period, period, std::forward<T>(event), options);
  }
  template <class T>
  ScheduledEvent publish_later(std::chrono::nanoseconds delay, std::chrono::nanoseconds period, T&& event,
                               const std::optional<PublishOptions>& options) {
    using Value = std::remove_cvref_t<T>;
    if (schedule_->closed()) return ScheduledEvent(PublishStatus::closed);
    if (!schedule_->enter()) return ScheduledEvent(PublishStatus::full);
    const std::uint64_t key = has_event_key<Value>() ? event_key_hash(event) : 0;
    const std::uint64_t due_ns = later(dispatcher_->options().time.now_ns(), delay);
    return schedule_publication(
        std::make_shared<PublicationOf<Value>>(schedule_, due_ns, static_cast<std::uint64_t>(period.count()),
                                               options, std::forward<T>(event)),
        dispatcher_, key, delivery_);
  }

  template <Event T, class P, class F>
  Subscription subscribe_where(const SubscribeOptions& options, P predicate, F handler) {
    if constexpr (!AnswersOutcome<F, T>) {
      if (!options.needs_delivery() && delivery_.dead_letters == nullptr) {
        return dispatcher_->subscribe<T>(options.routing(), std::move(handler), std::move(predicate));
      }
    }
    using Handler = DeliveringHandler<T, F, P>;
    return dispatcher_->subscribe_kept<T>(options.routing(), [&](SubscriptionState& state) {
      Delivery& delivery = add_delivery(options, state, event_ops<T>(), EventHandler<F, T>);
      state.handler = own_handler(Handler{std::move(handler), std::move(predicate), delivery});
      state.invoke = &Handler::invoke;
      if constexpr (EventHandler<F, T>) {
        if (options.on_overrun == OnOverrun::move_shards) {
          state.invoke = &Handler::keep;
          delivery.set_seat_call(&Handler::call_in_seat);
        }
      }
      directory_->add(state.shared_from_this());
    });
  }

  /// What a subscription with delivery has beside its handler. @throws ConfigError
  Delivery& add_delivery(const SubscribeOptions& options, SubscriptionState& state, const EventOps& ops,
                         bool takes_single_events);
  void watch_handlers(std::chrono::nanoseconds limit, OnOverrun on_overrun);

  std::shared_ptr<BreakerListeners> breakers_ = std::make_shared<BreakerListeners>();
  std::shared_ptr<Dispatcher> dispatcher_;
  DeliveryDefaults delivery_;
  std::shared_ptr<Schedule> schedule_ = std::make_shared<Schedule>(delivery_.scheduled_max);
  std::shared_ptr<DeliveryDirectory> directory_ = std::make_shared<DeliveryDirectory>();
  std::unique_ptr<Watchdog> watchdog_ =
      std::make_unique<Watchdog>(dispatcher_->options().time, delivery_.on_slow_handler);
};

}  // namespace headrace
