#pragma once

#include <any>
#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "headrace/event/held_event.hpp"
#include "headrace/simulation/simulated_bus.hpp"

namespace headrace {

/// One test of a handler: given what had happened, when this happens, then that must follow.
///
///     const std::string wrong = hr::Scenario{}
///         .handler<OrderPlaced>({.retry = hr::fixed(1s, 3)}, charge)
///         .given(CustomerKnown{7})
///         .when(OrderPlaced{1, 7, 1999})
///         .then_publishes(PaymentTaken{1})
///         .run();
///
/// Nothing runs before run(), which may be called again: each run has a SimulatedBus of its own. Whatever the
/// handlers keep outside is theirs to reset, by given_that().
///
/// Time:    stands still, but for given_time_passes() and when_time_passes(): a retry comes when its time does.
/// Follows: an event that was published while another was handled. Each of the events given here has an id, so
///          that what it caused is told from it (EventMeta::causation); handlers publish by their Context.
/// Threads: one.
class Scenario {
 public:
  /// One worker, so that events follow each other as they were published; a dead letter store, unless one is
  /// given.
  explicit Scenario(SimulationOptions options = {.workers = 1}) : options_(std::move(options)) {}

  /// A handler under test, or a neighbour that it needs; as SimulatedBus::subscribe. Copied for each run. The
  /// texts in `how` must live as long as the scenario.
  template <Event T, class F>
  requires HandlerOf<F, T> && std::copy_constructible<F> Scenario& handler(const SubscribeOptions& how,
                                                                           F handler) {
    return subject([how, handler = std::move(handler)](SimulatedBus& sim) {
      return std::any(std::make_shared<Subscription>(sim.subscribe<T>(how, handler)));
    });
  }
  /// The same for anything that takes part in a bus, a saga for instance: what `make` answers lives as long as the
  /// run.
  Scenario& subject(std::function<std::any(SimulatedBus&)> make) {
    subjects_.push_back(std::move(make));
    return *this;
  }

  /// What had happened before: all that follows from it is of no interest.
  template <Event T>
  requires std::copy_constructible<T> Scenario& given(T event, PublishOptions options = {}) {
    return add(given_, std::move(event), options);
  }
  Scenario& given_that(std::function<void()> call) { return add_call(given_, std::move(call)); }
  Scenario& given_time_passes(std::chrono::nanoseconds time) { return add_wait(given_, time); }

  template <Event T>
  requires std::copy_constructible<T> Scenario& when(T event, PublishOptions options = {}) {
    return add(when_, std::move(event), options);
  }
  Scenario& when_that(std::function<void()> call) { return add_call(when_, std::move(call)); }
  Scenario& when_time_passes(std::chrono::nanoseconds time) { return add_wait(when_, time); }

  /// Exactly these events follow, in this order; none of them: nothing does.
  template <class... Events>
  requires((std::equality_comparable<Events> && Event<Events> &&
            std::copy_constructible<Events>)&&...) Scenario& then_publishes(Events... events) {
    asks_for_events_ = true;
    (expected_.push_back(expect(std::move(events))), ...);
    return *this;
  }
  /// Exactly these many events are given up, with these reasons, in this order.
  Scenario& then_gives_up(std::vector<std::string> reasons) {
    asks_for_letters_ = true;
    reasons_ = std::move(reasons);
    return *this;
  }
  /// A check of the test's own, with a name for the message.
  Scenario& then(std::string name, std::function<bool()> holds) {
    checks_.emplace_back(std::move(name), std::move(holds));
    return *this;
  }

  /// What is wrong; empty: nothing is. With another seed workers and publishers take their turns otherwise, and
  /// faults strike elsewhere; see for_each_seed().
  [[nodiscard]] std::string run() { return run(options_.seed); }
  [[nodiscard]] std::string run(std::uint64_t seed);

 private:
  using Step = std::function<void(SimulatedBus&, SimulatedPublisher&)>;
  struct Expected {
    EventTypeId type;
    std::string text;                      ///< for the message
    HeldEvent (*copy)(const void* event);  ///< of an event of the type
    std::function<bool(const void* event)> is;
  };
  struct Followed {
    EventTypeId type;
    std::string topic;
    HeldEvent event;  ///< of types that are expected; else empty
  };

  template <Event T>
  Scenario& add(std::vector<Step>& steps, T event, PublishOptions options) {
    steps.push_back([event = std::move(event), options](SimulatedBus& sim, SimulatedPublisher& publisher) {
      PublishOptions with_id = options;
      if (with_id.id.is_none()) with_id.id = sim.bus().dispatcher().new_id();
      publisher.publish(T(event), with_id);
    });
    return *this;
  }
  Scenario& add_call(std::vector<Step>& steps, std::function<void()> call) {
    steps.push_back([call = std::move(call)](SimulatedBus&, SimulatedPublisher&) { call(); });
    return *this;
  }
  Scenario& add_wait(std::vector<Step>& steps, std::chrono::nanoseconds time) {
    steps.push_back([time](SimulatedBus& sim, SimulatedPublisher&) { sim.advance(time); });
    return *this;
  }
  template <class T>
  static Expected expect(T event) {
    std::string text(event_topic<T>());
    if (has_event_key<T>()) text += " of " + event_key_text(event);
    return {event_type_id<T>(), std::move(text),
            [](const void* seen) { return HeldEvent::of(T(*static_cast<const T*>(seen))); },
            [event = std::move(event)](const void* seen) { return *static_cast<const T*>(seen) == event; }};
  }
  [[nodiscard]] std::string judge(const std::vector<Followed>& followed,
                                  const std::vector<std::string>& reasons) const;

  SimulationOptions options_;
  std::vector<std::function<std::any(SimulatedBus&)>> subjects_;
  std::vector<Step> given_;
  std::vector<Step> when_;
  std::vector<Expected> expected_;
  std::vector<std::string> reasons_;
  std::vector<std::pair<std::string, std::function<bool()>>> checks_;
  bool asks_for_events_ = false;
  bool asks_for_letters_ = false;
};

}  // namespace headrace
