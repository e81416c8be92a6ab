#include "headrace/dispatch/route_builder.hpp"

#include <algorithm>
#include <numeric>

#include "headrace/base/result.hpp"

namespace headrace {
namespace {

using Subscriptions = HandlerList::Subscriptions;
using Place = DispatchEntry::Place;

constexpr std::size_t kMemberSlotsMax = 64;

struct Group {
  Subscriptions members;
  [[nodiscard]] const SubscriptionState& first() const { return *members.front(); }
};

std::vector<Group> by_group(const Subscriptions& matching) {
  std::vector<Group> groups;
  for (const auto& subscription : matching) {
    const auto same = [&](const Group& group) { return group.first().group == subscription->group; };
    const auto found = std::find_if(groups.begin(), groups.end(), same);
    if (found == groups.end()) {
      groups.push_back({{subscription}});
    } else {
      found->members.push_back(subscription);
    }
  }
  return groups;
}

/// Slots of each worker, so that every member of every group gets the same share of them, or nearly so when that
/// takes too many.
std::size_t member_slots(const std::vector<const Group*>& groups) {
  std::size_t slots = 1;
  std::size_t largest = 1;
  for (const Group* group : groups) {
    slots = std::lcm(std::min(slots, kMemberSlotsMax), group->members.size());
    largest = std::max(largest, group->members.size());
  }
  return std::min(slots, std::max(largest, kMemberSlotsMax));
}

}  // namespace

DirectWay Route::direct(bool has_key, std::uint64_t topic_hash) const noexcept {
  const auto to = [](const Target& target) { return DirectWay(target.entry->kind, target.worker); };
  if (shape == Shape::single) return to(fixed.front());
  if (shape != Shape::sharded) return {};
  const auto& slots = sharded.front();
  if (!has_key) return to(shard(slots, topic_hash));
  if (slots.size() == 1) return to(slots.front());
  const FrameKind first = slots.front().entry->kind;
  for (std::uint32_t slot = 0; slot < slots.size(); ++slot) {
    const Target& target = slots[slot];
    if (target.worker != slot || !(target.entry->kind == first.tags_ahead(slot))) return {};
  }
  return DirectWay::by_key(first, static_cast<std::uint32_t>(slots.size()));
}

/// Hands out the entries of a route and sets the handlers behind them.
///
/// Events may be on their way to any entry of the topic. So an entry never loses a group that lives on: a place
/// whose groups only gain keeps its entry; a group that moves away leaves its old entry as it is, and the place
/// gets another. Where a subscription ended, another member of its group takes its place; the last one leaves
/// every entry, which makes it fit for use again.
class RouteBuilder::Entries {
 public:
  Entries(TopicNode& topic, EntryTable& table, Replaced& replaced, const Subscriptions& matching)
      : topic_(topic), table_(table), replaced_(replaced) {
    for (DispatchEntry* entry : topic_.entries) {
      Subscriptions living = handlers_of(*entry);
      const auto ended = [](const auto& handler) { return handler->ended; };
      if (std::none_of(living.begin(), living.end(), ended)) continue;
      for (auto& handler : living) {
        if (!handler->ended) continue;
        if (const auto heir = member_of(handler->group, matching)) handler = heir;
      }
      std::erase_if(living, ended);
      set(*entry, std::move(living), list_of(*entry)->worker());
    }
  }

  /// @param worker  that the entry's events mostly go to, or -1
  const DispatchEntry* at(const Place& place, Subscriptions handlers, int worker) {
    DispatchEntry* entry = find(place, handlers);
    if (entry == nullptr) entry = topic_.entries.emplace_back(&table_.add(topic_, *topic_.ops, place));
    used_.push_back(entry);
    if (list_of(*entry) == nullptr || handlers_of(*entry) != handlers) set(*entry, std::move(handlers), worker);
    return entry;
  }

 private:
  static std::shared_ptr<SubscriptionState> member_of(std::string_view group, const Subscriptions& of) {
    const auto found =
        std::find_if(of.begin(), of.end(), [&](const auto& handler) { return handler->group == group; });
    return found == of.end() ? nullptr : *found;
  }
  static const HandlerList* list_of(const DispatchEntry& entry) {
    return entry.handlers.load(std::memory_order_relaxed);  // no partner: own store under the mutex
  }
  static Subscriptions handlers_of(const DispatchEntry& entry) {
    const HandlerList* list = list_of(entry);
    return list == nullptr ? Subscriptions{} : list->subscriptions();
  }

  DispatchEntry* find(const Place& place, const Subscriptions& wanted) const {
    DispatchEntry* fitting = nullptr;
    for (DispatchEntry* entry : topic_.entries) {
      if (!(entry->place == place) || std::find(used_.begin(), used_.end(), entry) != used_.end()) continue;
      const Subscriptions present = handlers_of(*entry);
      if (present == wanted) return entry;
      const auto stays = [&](const auto& handler) { return member_of(handler->group, wanted) != nullptr; };
      if (std::all_of(present.begin(), present.end(), stays)) fitting = entry;
    }
    return fitting;
  }

  void set(DispatchEntry& entry, Subscriptions handlers, int worker) {
    const HandlerList* old = list_of(entry);
    entry.handlers.store(new HandlerList(std::move(handlers), worker, entry.plain),
                         std::memory_order_release);  // T3 -> T4
    if (old != nullptr) replaced_.emplace_back(old);
  }

  TopicNode& topic_;
  EntryTable& table_;
  Replaced& replaced_;
  std::vector<const DispatchEntry*> used_;
};

void RouteBuilder::add(const std::shared_ptr<SubscriptionState>& subscription) {
  auto& group = groups_[subscription->group];
  if (group.members == 0) {
    group.placement = subscription->placement;
    group.overflow = subscription->overflow;
    group.worker = subscription->worker;
    if (subscription->placement == Placement::pinned && subscription->worker == SubscriptionState::kAnyWorker) {
      group.worker = next_worker_++ % limits_.workers;
    }
  } else if (group.placement != subscription->placement || !(group.overflow == subscription->overflow) ||
             (subscription->worker != SubscriptionState::kAnyWorker && subscription->worker != group.worker)) {
    throw ConfigError("group '" + subscription->group +
                      "': all its subscriptions must name the same placement, worker and overflow policy");
  }
  if (!can_inherit(group, *subscription)) {
    if (group.members == 0) groups_.erase(subscription->group);
    throw ConfigError(
        "group '" + subscription->group +
        "': its subscriptions to events that are not trivially copyable must all have delivery (retry, "
        "dead letters, an Outcome), or none");
  }
  if (!subscription->copies) {
    auto& kinds = group.uncopied[subscription->type];
    ++(subscription->keeps_events ? kinds.keeping : kinds.plain);
  }
  subscription->worker = group.worker;
  ++group.members;

  if (ids_free_.empty()) {
    subscription->id = static_cast<std::uint32_t>(by_id_.size());
    by_id_.push_back(subscription);
  } else {
    subscription->id = ids_free_.back();
    ids_free_.pop_back();
    by_id_[subscription->id] = subscription;
  }
  filters_.insert(*subscription->filter, subscription->id);
  all_.push_back(subscription);
}

bool RouteBuilder::can_inherit(const GroupOf& group, const SubscriptionState& subscription) {
  if (subscription.copies) return true;
  return std::none_of(group.uncopied.begin(), group.uncopied.end(), [&](const auto& member) {
    const auto& [type, kinds] = member;
    const bool shares = type == subscription.type || type == kAnyEventType || subscription.type == kAnyEventType;
    return shares && (subscription.keeps_events ? kinds.plain : kinds.keeping) != 0;
  });
}

void RouteBuilder::remove(const SubscriptionState& subscription) {
  filters_.erase(*subscription.filter, subscription.id);
  by_id_[subscription.id].reset();
  ids_free_.push_back(subscription.id);
  const auto group = groups_.find(subscription.group);
  if (!subscription.copies) {
    auto& kinds = group->second.uncopied[subscription.type];
    --(subscription.keeps_events ? kinds.keeping : kinds.plain);
  }
  if (--group->second.members == 0) groups_.erase(group);
}

Subscriptions RouteBuilder::matching(const TopicNode& topic) const {
  std::vector<std::uint32_t> ids;
  filters_.match(topic.name, ids);
  Subscriptions found;
  for (const std::uint32_t id : ids) {
    const auto& subscription = by_id_[id];
    if (subscription->type == kAnyEventType || subscription->type == topic.ops->payload->type)
      found.push_back(subscription);
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a->serial < b->serial; });
  return found;
}

std::unique_ptr<Route> RouteBuilder::build(TopicNode& topic, EntryTable& table, Replaced& replaced) const {
  auto route = std::make_unique<Route>();
  const Subscriptions subscribers = matching(topic);
  Entries entries(topic, table, replaced, subscribers);
  const std::vector<Group> groups = by_group(subscribers);
  if (groups.empty()) return route;

  // Groups that can share a frame: the same worker or the same shards, and the same policy.
  struct Pinned {
    unsigned worker;
    Overflow overflow;
    Subscriptions handlers;
  };
  struct Sharded {
    Overflow overflow;
    int worker;  ///< of a pinned group with several members; -1: all workers
    std::vector<const Group*> groups;
  };
  std::vector<Pinned> pinned;
  std::vector<Sharded> sharded;
  std::vector<const Group*> balanced;
  for (const Group& group : groups) {
    const SubscriptionState& first = group.first();
    if (first.placement == Placement::balanced) {
      balanced.push_back(&group);
    } else if (first.placement == Placement::pinned && group.members.size() == 1) {
      const auto joins = [&](const Pinned& to) {
        return to.worker == first.worker && to.overflow == first.overflow;
      };
      auto to = std::find_if(pinned.begin(), pinned.end(), joins);
      if (to == pinned.end()) to = pinned.insert(to, {first.worker, first.overflow, {}});
      to->handlers.push_back(group.members.front());
    } else {
      const int worker =
          first.placement == Placement::pinned ? static_cast<int>(first.worker) : HandlerList::kNoWorker;
      const auto joins = [&](const Sharded& to) { return to.worker == worker && to.overflow == first.overflow; };
      auto to = std::find_if(sharded.begin(), sharded.end(), joins);
      if (to == sharded.end()) to = sharded.insert(to, {first.overflow, worker, {}});
      to->groups.push_back(&group);
    }
  }

  const EventOps& ops = *topic.ops;
  const std::size_t holders = pinned.size() + sharded.size() + balanced.size();
  const auto keeps = [](const Group& group) {
    return std::any_of(group.members.begin(), group.members.end(),
                       [](const auto& member) { return member->keeps_events; });
  };
  route->boxed = (!ops.trivially_copyable && std::any_of(groups.begin(), groups.end(), keeps)) ||
                 ops.size > limits_.inline_bytes_max || ops.align > FrameKind::kAlignMax ||
                 (holders > 1 && (!ops.trivially_copyable || ops.size > kCopyBytesMax ||
                                  holders * ops.size > limits_.inline_bytes_max));

  for (const Pinned& to : pinned) {
    const Place place{Placement::pinned, static_cast<int>(to.worker), 0, to.overflow, route->boxed};
    route->fixed.push_back({to.worker, entries.at(place, to.handlers, place.worker)});
  }
  for (const Sharded& to : sharded) {
    const std::size_t workers = to.worker < 0 ? limits_.workers : 1;
    // Neighbouring slots belong to one worker: a key keeps its worker however many members share the work.
    const std::size_t members = member_slots(to.groups);
    std::vector<Target> slots(workers * members);
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
      Subscriptions handlers;
      for (const Group* group : to.groups) {
        handlers.push_back(group->members[slot % members % group->members.size()]);
      }
      slots[slot].worker =
          static_cast<std::uint32_t>(to.worker < 0 ? slot / members : static_cast<std::size_t>(to.worker));
      const Place place{Placement::sharded, to.worker, static_cast<std::uint32_t>(slot), to.overflow,
                        route->boxed};
      slots[slot].entry = entries.at(place, std::move(handlers), static_cast<int>(slots[slot].worker));
    }
    route->sharded.push_back(std::move(slots));
  }
  for (const Group* group : balanced) {
    auto& members = route->balanced.emplace_back();
    for (const auto& member : group->members) {
      const SubscriptionState& first = group->first();
      const auto slot = static_cast<std::uint32_t>(members.size());
      const Place place{Placement::balanced, -1, slot, first.overflow, route->boxed};
      members.push_back(entries.at(place, {member}, HandlerList::kNoWorker));
    }
  }

  if (!route->boxed && balanced.empty()) {
    if (route->fixed.size() == 1 && route->sharded.empty()) route->shape = Route::Shape::single;
    if (route->fixed.empty() && route->sharded.size() == 1) route->shape = Route::Shape::sharded;
  }
  if (route->shape == Route::Shape::nobody) route->shape = Route::Shape::general;
  return route;
}

}  // namespace headrace
