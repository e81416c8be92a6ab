#include "headrace/dispatch/event_flow.hpp"

#include <map>
#include <string_view>
#include <tuple>
#include <utility>

namespace headrace {
namespace {

using PublicationName =
    std::tuple<EventFlow::By, std::string_view, std::string_view, std::string_view, std::string_view>;
using SubscriberName = std::tuple<std::string_view, std::string_view, std::string_view>;

SubscriberName name_of(const EventFlow::Subscriber& one) { return {one.name, one.group, one.filter}; }

PublicationName name_of(const EventFlow& flow, const EventFlow::Publication& one) {
  const std::string_view topic = flow.topics[one.topic].name;
  if (one.by == EventFlow::By::publisher) return {one.by, flow.publishers[one.from], {}, {}, topic};
  const auto [name, group, filter] = name_of(flow.subscribers[one.from]);
  return {one.by, name, group, filter, topic};
}

/// Counts never go backwards; two names may have become one.
std::uint64_t more_than(std::uint64_t now, std::uint64_t earlier) { return now < earlier ? 0 : now - earlier; }

}  // namespace

EventFlow EventFlow::since(const EventFlow& earlier) const {
  std::map<PublicationName, std::uint64_t> published;
  for (const Publication& one : earlier.publications) published[name_of(earlier, one)] += one.events;
  std::map<SubscriberName, const Subscriber*> handled;
  for (const Subscriber& one : earlier.subscribers) handled[name_of(one)] = &one;

  EventFlow difference = *this;
  difference.over = taken - earlier.taken;
  for (Topic& topic : difference.topics) topic.published = 0;
  for (Publication& one : difference.publications) {
    const auto before = published.find(name_of(*this, one));
    if (before != published.end()) one.events = more_than(one.events, before->second);
    difference.topics[one.topic].published += one.events;
  }
  for (Subscriber& one : difference.subscribers) {
    const auto before = handled.find(name_of(one));
    if (before == handled.end()) continue;
    one.handled = more_than(one.handled, before->second->handled);
    one.failed = more_than(one.failed, before->second->failed);
    one.dead_lettered = more_than(one.dead_lettered, before->second->dead_lettered);
  }
  return difference;
}

}  // namespace headrace
