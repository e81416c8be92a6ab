// 1 publisher and n that are silent ──►
// 1 topic with a subscriber, n others ──►  bus ──► handler (second cpu)
// 1 topic or n in turn ──►
//
// Question: does publishing grow dearer with what else the bus knows? Each row compares Headrace to itself, n =
// 1,000 to n = 1. 64 bytes; from the first publish until the last event was handled. Lanes are of 16 KiB, in both,
// so that a thousand publishers have room.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/bench.hpp"
#include "scenario/events.hpp"
#include "scenario/tally.hpp"

namespace headrace::bench {
namespace {

constexpr std::size_t kMany = 1000;
constexpr std::size_t kSmallLaneBytes = 16 * 1024;
constexpr const char* kExactTopic = "bench/exact/1/value";

DispatcherOptions small_lanes(const Context& context) {
  return {.workers = 1,
          .pin = Pin::cpus({context.cpus()[1]}),
          .lane_bytes = kSmallLaneBytes,
          .publishers_max = kMany + 16};
}

/// `publish(publisher, value)` publishes one event.
template <class Publish>
double seconds_until_handled(const Context& context, Bus& bus, const Tallies& tallies, std::uint64_t events,
                             Publish publish) {
  return seconds_together(context.cpus(), Placement::pinned, {[&] {
                            Publisher publisher = bus.publisher();
                            for (std::uint64_t value = 1; value <= events; ++value) {
                              if (!publish(publisher, value)) std::abort();
                            }
                            tallies.wait_for(events);
                          }});
}

PublishResult publish_typed(Publisher& publisher, std::uint64_t value) {
  return publisher.publish(Sample<0>::of(value));
}

auto adding_to(Tally& tally) {
  return [&tally](const Sample<0>& event) { tally.add(event.value); };
}

Measure with_silent_publishers(std::size_t silent) {
  return [silent](Context& context) {
    return context.nanoseconds_each([&](std::uint64_t events) {
      Tallies tallies;
      Bus bus(small_lanes(context));
      const auto subscription = bus.subscribe<Sample<0>>(adding_to(tallies[0]));
      bus.start();
      // Each has published once: one that never did has never been looked at.
      std::vector<std::optional<Publisher>> others(silent);
      for (auto& other : others) {
        other.emplace(bus.publisher());
        if (!other->publish(Sample<0>::of(0))) std::abort();
      }
      tallies.wait_for(silent);
      const double seconds = seconds_together(context.cpus(), Placement::pinned, {[&] {
                                                Publisher publisher = bus.publisher();
                                                for (std::uint64_t value = 1; value <= events; ++value) {
                                                  if (!publish_typed(publisher, value)) std::abort();
                                                }
                                                tallies.wait_for(silent + events);
                                              }});
      tallies.require_sum(events);
      return seconds;
    });
  };
}

Measure with_other_subscriptions(std::size_t others) {
  return [others](Context& context) {
    return context.nanoseconds_each([&](std::uint64_t events) {
      Tallies tallies;
      Bus bus(small_lanes(context));
      std::vector<Subscription> subscriptions;
      subscriptions.push_back(bus.subscribe<Sample<0>>(adding_to(tallies[0])));
      for (std::size_t i = 0; i < others; ++i) {
        const std::string other = "bench.other." + std::to_string(i);
        subscriptions.push_back(bus.subscribe<Sample<0>>({.filter = other}, [](const Sample<0>&) {}));
      }
      bus.start();
      const double seconds = seconds_until_handled(context, bus, tallies, events, publish_typed);
      tallies.require_sum(events);
      return seconds;
    });
  };
}

/// Events go by name to a topic with an exact subscription, while `wildcards` filters match other topics.
Measure with_wildcards(std::size_t wildcards) {
  return [wildcards](Context& context) {
    return context.nanoseconds_each([&](std::uint64_t events) {
      Tallies tallies;
      Bus bus(small_lanes(context));
      std::vector<Subscription> subscriptions;
      subscriptions.push_back(bus.subscribe<Sample<0>>({.filter = kExactTopic}, adding_to(tallies[0])));
      for (std::size_t i = 0; i < wildcards; ++i) {
        const std::string other = "bench/other/" + std::to_string(i) + "/+";
        subscriptions.push_back(bus.subscribe<Sample<0>>({.filter = other}, [](const Sample<0>&) {}));
      }
      bus.start();
      const double seconds =
          seconds_until_handled(context, bus, tallies, events, [](Publisher& publisher, std::uint64_t value) {
            return publisher.publish(kExactTopic, Sample<0>::of(value));
          });
      tallies.require_sum(events);
      return seconds;
    });
  };
}

/// Events go round over `busy` topics by name, while `known` are known and subscribed.
Measure with_topics(std::size_t known, std::size_t busy) {
  return [known, busy](Context& context) {
    return context.nanoseconds_each([&](std::uint64_t events) {
      Tallies tallies;
      Bus bus(small_lanes(context));
      const auto subscription = bus.subscribe<Sample<0>>({.filter = "bench/topic/+"}, adding_to(tallies[0]));
      std::vector<std::string> topics;
      for (std::size_t i = 0; i < known; ++i) topics.push_back("bench/topic/" + std::to_string(i));
      bus.start();
      for (const std::string& topic : topics) {
        if (!bus.publish(topic, Sample<0>::of(0))) std::abort();
      }
      tallies.wait_for(known);
      std::size_t next = 0;
      const double seconds = seconds_together(context.cpus(), Placement::pinned, {[&] {
                                                Publisher publisher = bus.publisher();
                                                for (std::uint64_t value = 1; value <= events; ++value) {
                                                  if (!publisher.publish(topics[next], Sample<0>::of(value)))
                                                    std::abort();
                                                  next = next + 1 == busy ? 0 : next + 1;
                                                }
                                                tallies.wait_for(known + events);
                                              }});
      tallies.require_sum(events);
      return seconds;
    });
  };
}

}  // namespace

HEADRACE_BENCH_ROW("publish.silent_publishers", .unit = "ns", .better = Better::lower) {
  row.ours(with_silent_publishers(kMany));
  row.peer("headrace with 1 silent publisher", with_silent_publishers(1), everywhere(1.3));
}

HEADRACE_BENCH_ROW("publish.subscriptions", .unit = "ns", .better = Better::lower) {
  row.ours(with_other_subscriptions(kMany));
  row.peer("headrace with 1 other subscription", with_other_subscriptions(1), everywhere(1.3));
}

HEADRACE_BENCH_ROW("publish.wildcards", .unit = "ns", .better = Better::lower) {
  row.ours(with_wildcards(kMany));
  row.peer("headrace without wildcards", with_wildcards(0), everywhere(1.3));
}

HEADRACE_BENCH_ROW("publish.topics", .unit = "ns", .better = Better::lower) {
  row.ours(with_topics(kMany, 1));
  row.peer("headrace with 1 topic", with_topics(1, 1), everywhere(1.3));
}

HEADRACE_BENCH_ROW("publish.topics.in_turn", .unit = "ns", .better = Better::lower) {
  row.ours(with_topics(kMany, kMany));
  row.peer("headrace with 2 topics in turn", with_topics(2, 2), everywhere(1.3));
}

}  // namespace headrace::bench
