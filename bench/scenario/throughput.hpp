#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "harness/bench.hpp"
#include "scenario/events.hpp"
#include "scenario/tally.hpp"

namespace headrace::bench {

/// Millions of events a second from a publisher on the first cpu through to a handler on the second: from the
/// first publish until the last event was handled. `publish_all(handle, events)` publishes the values 1 to
/// `events`.
template <class Bus, class PublishAll>
double dispatch_rate(Context& context, PublishAll publish_all) {
  return context.millions_per_second([&](std::uint64_t events) {
    Tallies tallies;
    Bus bus(context.cpus()[1], tallies);
    const double seconds = seconds_together(context.cpus(), Placement::pinned, {[&] {
                                              auto publisher = bus.publisher();
                                              publish_all(publisher, events);
                                              tallies.wait_for(events);
                                            }});
    tallies.require_sum(events);
    return seconds;
  });
}

template <template <class...> class Bus, class Event>
double one_at_a_time(Context& context) {
  return dispatch_rate<Bus<Event>>(context, [](auto& publisher, std::uint64_t events) {
    for (std::uint64_t value = 1; value <= events; ++value) publisher.publish(Event::of(value));
  });
}

inline constexpr std::size_t kBatch = 256;

/// The batch is filled before it is published, as by a program that has it from elsewhere.
template <template <class...> class Bus, class Event>
double in_batches(Context& context) {
  return dispatch_rate<Bus<Event>>(context, [](auto& publisher, std::uint64_t events) {
    std::array<Event, kBatch> batch;
    for (std::uint64_t value = 1; value <= events;) {
      std::size_t filled = 0;
      for (; filled < kBatch && value <= events; ++filled, ++value) batch[filled] = Event::of(value);
      publisher.publish(std::span<const Event>(batch.data(), filled));
    }
  });
}

/// Eight event types in turn, each with a handler of its own.
template <template <class...> class Bus>
double eight_types(Context& context) {
  return [&]<int... Kinds>(std::integer_sequence<int, Kinds...>) {
    return dispatch_rate<Bus<Sample<Kinds>...>>(context, [](auto& publisher, std::uint64_t events) {
      std::uint64_t value = 0;
      while (value + sizeof...(Kinds) <= events) (publisher.publish(Sample<Kinds>::of(++value)), ...);
      while (value < events) publisher.publish(Sample<0>::of(++value));
    });
  }
  (std::make_integer_sequence<int, 8>{});
}

}  // namespace headrace::bench
