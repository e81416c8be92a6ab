#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/event/envelope.hpp"

namespace headrace {

/// Which topics. The pattern's meaning is a predicate, so that it has one definition for the whole library
/// (filters are core/route's, which no port sees) and every store agrees with the bus. A store keeps each topic
/// name once and asks about it once, so a predicate costs nothing an event, in a remote database too.
struct TopicFilter {
  std::string text;                               ///< for people
  std::function<bool(std::string_view)> matches;  ///< pure, of a topic name; callable from any thread

  [[nodiscard]] static TopicFilter exactly(std::string topic);
};

/// Which events: those that match any item; all of them when there is none.
struct EventQuery {
  /// Matches events of any of the topics (none given: of every topic) that carry all of the tags.
  struct Item {
    std::vector<TopicFilter> topics;
    std::vector<std::string> tags;
  };
  std::vector<Item> any_of;

  [[nodiscard]] static EventQuery everything() { return {}; }
  [[nodiscard]] static EventQuery tagged(std::vector<std::string> tags) { return {{{{}, std::move(tags)}}}; }
  [[nodiscard]] static EventQuery of_topic(TopicFilter topic) { return {{{{std::move(topic)}, {}}}}; }
};

/// The definition of a match. @thread any
[[nodiscard]] bool matches(const EventQuery& query, const Envelope& envelope);
[[nodiscard]] bool matches_topic(const EventQuery::Item& item, std::string_view topic);

}  // namespace headrace
