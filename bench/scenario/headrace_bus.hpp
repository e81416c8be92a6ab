#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "harness/bench.hpp"
#include "scenario/events.hpp"
#include "scenario/tally.hpp"

namespace headrace::bench {

/// Headrace with its default options but for the sizes: one worker on one cpu, a handler an event type.
template <class... Events>
class HeadraceBus {
 public:
  HeadraceBus(int cpu, Tallies& tallies)
      : bus_({.workers = 1, .pin = Pin::cpus({cpu}), .lane_bytes = kInFlightMax * kEventBytes}) {
    std::size_t next = 0;
    (subscriptions_.push_back(subscribe<Events>(tallies[next++])), ...);
    bus_.start();
  }

  class Handle {
   public:
    explicit Handle(Bus& bus) : publisher_(bus.publisher()) {}

    template <class Event>
    void publish(const Event& event) {
      if (!publisher_.publish(event)) std::abort();
    }
    template <class Event>
    void publish(std::span<const Event> events) {
      if (!publisher_.publish(events)) std::abort();
    }

   private:
    Publisher publisher_;
  };
  [[nodiscard]] Handle publisher() { return Handle(bus_); }

 private:
  static constexpr std::size_t kEventBytes = std::max({sizeof(Events)...});

  template <class Event>
  Subscription subscribe(Tally& tally) {
    return bus_.subscribe<Event>([&tally](const Event& event) { tally.add(event.value); });
  }

  Bus bus_;
  std::vector<Subscription> subscriptions_;
};

}  // namespace headrace::bench
