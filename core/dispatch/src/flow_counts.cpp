#include <algorithm>
#include <utility>

#include "flow_survey.hpp"
#include "headrace/dispatch/dispatcher.hpp"

// What a Dispatcher knows of who published what.

namespace headrace {
namespace {

/// Names that are gone and still told of; later ones are told of together.
constexpr std::size_t kGoneMax = 1024;

void add_to(std::vector<std::uint64_t>& events, const NumberedCounters& counters, std::size_t topics) {
  events.resize(topics);
  for (std::size_t number = 0; number < topics; ++number) {
    events[number] += counters.value(static_cast<std::uint32_t>(number));
  }
}

/// What its handlers published, on all workers.
std::vector<std::uint64_t> published_by(const SubscriptionState& state, std::size_t topics) {
  std::vector<std::uint64_t> events;
  for (const auto& stats : state.stats) {
    if (stats != nullptr) add_to(events, stats->published, topics);
  }
  return events;
}
std::vector<std::uint64_t> published_by(const PublisherState& publisher, std::size_t topics) {
  std::vector<std::uint64_t> events;
  add_to(events, publisher.published, topics);
  return events;
}

std::string ended(const std::string& subscription) { return subscription + " (ended)"; }

}  // namespace

void Dispatcher::keep_flow(std::string name, const std::vector<std::uint64_t>& events) {
  if (std::all_of(events.begin(), events.end(), [](std::uint64_t count) { return count == 0; })) return;
  if (gone_.size() >= kGoneMax && gone_.find(name) == gone_.end()) name = "others that are gone";
  std::vector<std::uint64_t>& kept = gone_[std::move(name)];
  if (kept.size() < events.size()) kept.resize(events.size());
  for (std::size_t number = 0; number < events.size(); ++number) kept[number] += events[number];
}

void Dispatcher::keep_flow(const SubscriptionState& subscription) {
  keep_flow(ended(subscription.name), published_by(subscription, topics_.all().size()));
}

void Dispatcher::keep_flow(PublisherState& publisher) {
  if (publisher.told_as.empty()) return;  // its number says who it is, whoever has it
  const auto events = published_by(publisher, topics_.all().size());
  // The thread that gives it back is its owner still.
  for (std::size_t number = 0; number < events.size(); ++number) {
    if (events[number] != 0) publisher.published.add(static_cast<std::uint32_t>(number), 0 - events[number]);
  }
  keep_flow(std::exchange(publisher.told_as, {}), events);
}

EventFlow Dispatcher::flow(std::size_t topics_max) {
  const std::lock_guard lock(mutex_);
  const std::size_t topics = topics_.all().size();
  FlowSurvey survey(topics_, topics_max);
  each_publisher([&](PublisherState& publisher) {
    const auto events = published_by(publisher, topics);
    if (!publisher.told_as.empty()) return survey.add_publisher(publisher.told_as, events);
    if (publisher.owner() == PublisherState::Owner::worker) return survey.add_publisher("scheduled", events);
    survey.add_publisher("publisher " + std::to_string(publisher.index() - worker_count() + 1), events);
  });
  for (const auto& [name, events] : gone_) survey.add_publisher(name, events);
  for (const auto& state : routes_.all()) {
    const auto events = published_by(*state, topics);
    if (state->ended) {
      survey.add_publisher(ended(state->name), events);
    } else {
      survey.add_subscription(*state, events);
    }
  }
  EventFlow flow = survey.finish([this](const TopicNode& node) { return routes_.matching(node); });
  flow.counted = options_.flow == Flow::counted;
  flow.taken = std::chrono::nanoseconds(options_.time.now_ns());
  return flow;
}

}  // namespace headrace
