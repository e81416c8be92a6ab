#include "headrace/port/event_query.hpp"

#include <algorithm>
#include <utility>

namespace headrace {
namespace {

bool matches_item(const EventQuery::Item& item, const Envelope& envelope) {
  const auto carried = [&](const std::string& tag) {
    return std::find(envelope.tags.begin(), envelope.tags.end(), tag) != envelope.tags.end();
  };
  return matches_topic(item, envelope.topic) && std::all_of(item.tags.begin(), item.tags.end(), carried);
}

}  // namespace

TopicFilter TopicFilter::exactly(std::string topic) {
  TopicFilter filter{topic, {}};
  filter.matches = [topic = std::move(topic)](std::string_view name) { return name == topic; };
  return filter;
}

bool matches_topic(const EventQuery::Item& item, std::string_view topic) {
  return item.topics.empty() || std::any_of(item.topics.begin(), item.topics.end(),
                                            [&](const TopicFilter& filter) { return filter.matches(topic); });
}

bool matches(const EventQuery& query, const Envelope& envelope) {
  return query.any_of.empty() ||
         std::any_of(query.any_of.begin(), query.any_of.end(),
                     [&](const EventQuery::Item& item) { return matches_item(item, envelope); });
}

}  // namespace headrace
