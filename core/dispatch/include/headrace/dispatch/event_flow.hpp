#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace headrace {

/// Who publishes what to whom, at one moment of a running bus: a value to keep and to subtract from a later one.
/// to_text, to_mermaid and to_graphviz draw it (process/flow_text.hpp).
///
/// A topic is there once somebody has published to it. Topics of one name and several event types are one here, and so
/// are subscriptions of the same name, group and filter. Counts are events, not deliveries; those of different
/// publishers are not of exactly the same moment.
struct EventFlow {
  struct Topic {
    std::string name;
    std::uint64_t published = 0;  ///< the sum of its publications
  };
  struct Subscriber {
    std::string name;
    std::string group;  ///< begins with '#' when the subscription named none
    std::string filter;
    std::uint64_t handled = 0;  ///< of all topics
    std::uint64_t failed = 0;
    std::uint64_t dead_lettered = 0;
  };
  enum class By : std::uint8_t {
    publisher,  ///< `from` counts in publishers
    handler,    ///< `from` counts in subscribers: its handler publishes, by whatever way the bus has
  };
  struct Publication {
    By by = By::publisher;
    std::size_t from = 0;
    std::size_t topic = 0;
    std::uint64_t events = 0;  ///< that the bus took, also those that nobody subscribes to
  };
  /// The subscriber sees the topic's events, or shares them with others of its group.
  struct Delivery {
    std::size_t topic = 0;
    std::size_t subscriber = 0;
  };

  /// By the name that `bus.publisher(name)` gave them; "publisher N" without one; "bus.publish()" for all threads that
  /// publish so; "scheduled" for publish_after and its like; "NAME (ended)" for the handlers of a subscription that is
  /// gone.
  std::vector<std::string> publishers;
  std::vector<Topic> topics;
  std::vector<Subscriber> subscribers;
  std::vector<Publication> publications;
  std::vector<Delivery> deliveries;
  std::size_t topics_left_out = 0;  ///< there were more than asked for; the most used are here
  bool counted =
      false;  ///< by Flow::counted; if not, nobody's publications are known, only topics and subscriptions
  std::chrono::nanoseconds taken{};  ///< by the bus's clock
  std::chrono::nanoseconds over{};   ///< what the counts are about; zero: all since the bus was made

  /// The same graph with what has happened since then: with `over` it says how often a second. What was not there
  /// earlier counts from zero.
  [[nodiscard]] EventFlow since(const EventFlow& earlier) const;
};

}  // namespace headrace
