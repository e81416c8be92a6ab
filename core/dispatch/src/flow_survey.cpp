#include "flow_survey.hpp"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace headrace {

void FlowSurvey::add(EventFlow::By by, std::size_t from, const std::vector<std::uint64_t>& events) {
  const auto same = [&](const Source& source) { return source.by == by && source.from == from; };
  auto source = std::find_if(sources_.begin(), sources_.end(), same);
  if (source == sources_.end()) source = sources_.insert(source, {by, from, {}});
  source->events.resize(nodes_.size());
  for (std::size_t number = 0; number < std::min(events.size(), nodes_.size()); ++number) {
    source->events[number] += events[number];
  }
}

void FlowSurvey::add_publisher(std::string_view name, const std::vector<std::uint64_t>& events) {
  const auto published = [](std::uint64_t count) { return count != 0; };
  if (std::none_of(events.begin(), events.end(), published)) return;
  const auto [known, is_new] = publishers_.try_emplace(std::string(name), flow_.publishers.size());
  if (is_new) flow_.publishers.emplace_back(name);
  add(EventFlow::By::publisher, known->second, events);
}

void FlowSurvey::add_subscription(const SubscriptionState& subscription,
                                  const std::vector<std::uint64_t>& events) {
  const std::size_t at = subscriber_of(subscription);
  for (const auto& stats : subscription.stats) {
    if (stats == nullptr) continue;
    flow_.subscribers[at].handled += stats->handled.value();
    flow_.subscribers[at].failed += stats->failed.value();
    flow_.subscribers[at].dead_lettered += stats->dead_lettered.value();
  }
  add(EventFlow::By::handler, at, events);
}

std::size_t FlowSurvey::subscriber_of(const SubscriptionState& subscription) {
  std::string filter{subscription.filter->text()};
  const auto [known, is_new] =
      subscribers_.try_emplace({subscription.name, subscription.group, filter}, flow_.subscribers.size());
  if (is_new) flow_.subscribers.push_back({subscription.name, subscription.group, std::move(filter)});
  return known->second;
}

/// The most used of them, in the order in which they were first published to.
void FlowSurvey::take_topics() {
  std::unordered_map<std::string_view, std::size_t> by_name;
  std::vector<EventFlow::Topic> all;
  for (const auto& node : nodes_) {
    const auto [known, is_new] = by_name.try_emplace(node->name, all.size());
    if (is_new) all.push_back({node->name});
    topic_of_.push_back(known->second);
  }
  for (const Source& source : sources_) {
    for (std::size_t number = 0; number < source.events.size(); ++number) {
      all[topic_of_[number]].published += source.events[number];
    }
  }
  std::vector<std::size_t> chosen(all.size());
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  if (chosen.size() > topics_max_) {
    const auto more = [&](std::size_t left, std::size_t right) {
      return all[left].published > all[right].published;
    };
    std::stable_sort(chosen.begin(), chosen.end(), more);
    flow_.topics_left_out = chosen.size() - topics_max_;
    chosen.resize(topics_max_);
    std::sort(chosen.begin(), chosen.end());
  }
  std::vector<std::size_t> place(all.size(), kLeftOut);
  for (const std::size_t topic : chosen) {
    place[topic] = flow_.topics.size();
    flow_.topics.push_back(std::move(all[topic]));
  }
  for (std::size_t& topic : topic_of_) topic = place[topic];
}

void FlowSurvey::take_publications() {
  for (const Source& source : sources_) {
    std::map<std::size_t, std::uint64_t> by_topic;
    for (std::size_t number = 0; number < source.events.size(); ++number) {
      if (topic_of_[number] != kLeftOut && source.events[number] != 0)
        by_topic[topic_of_[number]] += source.events[number];
    }
    for (const auto& [topic, events] : by_topic)
      flow_.publications.push_back({source.by, source.from, topic, events});
  }
}

}  // namespace headrace
