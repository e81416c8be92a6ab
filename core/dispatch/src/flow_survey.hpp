#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "headrace/dispatch/event_flow.hpp"
#include "headrace/dispatch/subscription_state.hpp"
#include "headrace/dispatch/topic_table.hpp"

namespace headrace {

/// Gathers an EventFlow from the bus's parts; one use. Its caller locks.
class FlowSurvey {
 public:
  /// Of the topics only the `topics_max` most used are taken in.
  FlowSurvey(const TopicTable& topics, std::size_t topics_max) : nodes_(topics.all()), topics_max_(topics_max) {}

  /// Events by TopicNode::number.
  void add_publisher(std::string_view name, const std::vector<std::uint64_t>& events);
  void add_subscription(const SubscriptionState& subscription, const std::vector<std::uint64_t>& events);

  /// `matching(node)` are the subscriptions that see a topic.
  template <class Matching>
  [[nodiscard]] EventFlow finish(Matching&& matching) {
    take_topics();
    std::map<std::pair<std::size_t, std::size_t>, bool> known;
    for (std::size_t number = 0; number < nodes_.size(); ++number) {
      const std::size_t topic = topic_of_[number];
      if (topic == kLeftOut) continue;
      for (const auto& subscription : matching(*nodes_[number])) {
        const std::size_t subscriber = subscriber_of(*subscription);
        if (known.emplace(std::pair(topic, subscriber), true).second)
          flow_.deliveries.push_back({topic, subscriber});
      }
    }
    take_publications();
    return std::move(flow_);
  }

 private:
  static constexpr std::size_t kLeftOut = ~std::size_t{0};
  struct Source {
    EventFlow::By by;
    std::size_t from;
    std::vector<std::uint64_t> events;
  };

  void add(EventFlow::By by, std::size_t from, const std::vector<std::uint64_t>& events);
  [[nodiscard]] std::size_t subscriber_of(const SubscriptionState& subscription);
  void take_topics();
  void take_publications();

  const std::vector<std::unique_ptr<TopicNode>>& nodes_;
  const std::size_t topics_max_;
  EventFlow flow_;
  std::vector<Source> sources_;
  std::vector<std::size_t> topic_of_;  ///< by TopicNode::number
  std::map<std::string, std::size_t, std::less<>> publishers_;
  std::map<std::tuple<std::string, std::string, std::string>, std::size_t> subscribers_;
};

}  // namespace headrace
