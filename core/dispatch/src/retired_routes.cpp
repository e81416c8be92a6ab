#include "headrace/dispatch/retired_routes.hpp"

#include "headrace/base/asymmetric_fence.hpp"

namespace headrace {
namespace {

std::vector<const RouteReader*> readers_of(const RetiredRoutes::Publishers& publishers) {
  std::vector<const RouteReader*> readers;
  for (const PublisherState* publisher : publishers) readers.push_back(&publisher->reader());
  return readers;
}

// Lanes are first in, first out, but for events that the publisher itself took out again; so either as many were
// settled as had entered then, or the lane ran empty. What was settled is read before what entered.
bool lane_settled(const PublisherLane& lane, std::uint64_t entered_then) {
  const std::uint64_t left = lane.left.value();
  return left >= entered_then || left + lane.removed.value() == lane.entered.value();
}

bool balanced_ran_empty(const RetiredRoutes::Publishers& publishers, const RetiredRoutes::Workers& workers) {
  std::uint64_t left = 0;
  std::uint64_t entered = 0;
  for (const auto& worker : workers) left += worker->balanced_left().value();
  asymmetric_fence_heavy();  // orders the two sums on every core
  for (const PublisherState* publisher : publishers) entered += publisher->balanced_entered.value();
  return left == entered;
}

}  // namespace

void RetiredRoutes::add(std::unique_ptr<const Route> route, std::vector<const DispatchEntry*> entries,
                        const Publishers& publishers) {
  const bool balanced = !route->balanced.empty();
  waiting_.push_back(
      {std::move(route), std::move(entries), GracePeriod(readers_of(publishers)), {}, false, !balanced});
}

bool RetiredRoutes::settled(Waiting& waiting, const Publishers& publishers, const Workers& workers) {
  if (!waiting.left_by_publishers) {
    if (!waiting.grace.elapsed()) return false;
    waiting.left_by_publishers = true;
    for (const PublisherState* publisher : publishers) {
      for (const auto& lane : publisher->lanes()) waiting.lanes.push_back({lane.get(), lane->entered.value()});
    }
  }
  std::erase_if(waiting.lanes, [](const auto& mark) { return lane_settled(*mark.lane, mark.entered); });
  if (!waiting.balanced_settled) waiting.balanced_settled = balanced_ran_empty(publishers, workers);
  return waiting.lanes.empty() && waiting.balanced_settled;
}

void RetiredRoutes::collect(EntryTable& entries, const Publishers& publishers, const Workers& workers) {
  std::vector<Waiting> done;
  std::erase_if(waiting_, [&](Waiting& waiting) {
    if (!settled(waiting, publishers, workers)) return false;
    done.push_back(std::move(waiting));
    return true;
  });
  if (done.empty()) return;
  asymmetric_fence_heavy();  // workers that counted an event as settled are done with its entry
  for (const Waiting& waiting : done) {
    for (const DispatchEntry* entry : waiting.entries) entries.remove(entry->tag);
  }
}

}  // namespace headrace
