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

/// Seconds from the first publish on the first cpu until the last event was handled on the second.
/// `publish_all(publisher, events)` publishes the values 1 to `events`.
template <class Bus, class PublishAll>
double dispatch_seconds(const Cpus& cpus, std::uint64_t events, PublishAll publish_all) {
  Tallies tallies;
  Bus bus(cpus[1], tallies);
  const auto publish = [&] {
    auto publisher = bus.publisher();
    publish_all(publisher, events);
    tallies.wait_for(events);
  };
  const double seconds = seconds_together(cpus, Placement::pinned, {publish});
  tallies.require_sum(events);
  return seconds;
}

template <class Bus, class PublishAll>
double dispatch_rate(Context& context, PublishAll publish_all) {
  return context.millions_per_second(
      [&](std::uint64_t events) { return dispatch_seconds<Bus>(context.cpus(), events, publish_all); });
}

/// One at a time.
template <class Event, class Publisher>
void publish_singly(Publisher& publisher, std::uint64_t events) {
  for (std::uint64_t value = 1; value <= events; ++value) publisher.publish(Event::of(value));
}

/// The batch is filled before it is published, as by a program that has it from elsewhere.
template <class Event, class Publisher>
void publish_batches(Publisher& publisher, std::uint64_t events) {
  constexpr std::size_t kBatch = 256;
  std::array<Event, kBatch> batch;
  for (std::uint64_t value = 1; value <= events;) {
    std::size_t filled = 0;
    for (; filled < kBatch && value <= events; ++filled, ++value) batch[filled] = Event::of(value);
    publisher.publish(std::span<const Event>(batch.data(), filled));
  }
}

template <template <class...> class Bus, class Event>
double one_at_a_time(Context& context) {
  return dispatch_rate<Bus<Event>>(
      context, [](auto& publisher, std::uint64_t events) { publish_singly<Event>(publisher, events); });
}

template <template <class...> class Bus, class Event>
double in_batches(Context& context) {
  return dispatch_rate<Bus<Event>>(
      context, [](auto& publisher, std::uint64_t events) { publish_batches<Event>(publisher, events); });
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
