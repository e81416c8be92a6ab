#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "headrace/dispatch/entry_table.hpp"
#include "headrace/dispatch/routes.hpp"
#include "headrace/dispatch/subscription_state.hpp"
#include "headrace/route/filter_trie.hpp"

namespace headrace {

/// Knows the live subscriptions and works out where a topic's events go. Off the way of an event; its caller
/// locks.
class RouteBuilder {
 public:
  struct Limits {
    std::uint32_t workers = 1;
    std::uint64_t inline_bytes_max = 0;  ///< larger events are boxed
  };
  /// Larger events, and those that cannot be copied bytewise, are shared by count when several workers want them.
  static constexpr std::uint32_t kCopyBytesMax = 256;

  explicit RouteBuilder(Limits limits) : limits_(limits) {}

  /// Takes the subscription in, and gives a pinned group its worker. Throws ConfigError when it contradicts the
  /// other members of its group.
  void add(const std::shared_ptr<SubscriptionState>& subscription);
  void remove(const SubscriptionState& subscription);

  /// The subscriptions that the events of this topic and type match, in the order subscribed.
  [[nodiscard]] std::vector<std::shared_ptr<SubscriptionState>> matching(const TopicNode& topic) const;

  /// Handler lists that workers may still read.
  using Replaced = std::vector<std::unique_ptr<const HandlerList>>;

  /// The route to them, and the handlers behind the topic's entries.
  [[nodiscard]] std::unique_ptr<Route> build(TopicNode& topic, EntryTable& table, Replaced& replaced) const;

  /// Live ones, and ended ones that events may still refer to.
  [[nodiscard]] std::vector<std::shared_ptr<SubscriptionState>>& all() noexcept { return all_; }

 private:
  class Entries;

  Limits limits_;
  FilterTrie filters_;
  std::vector<std::shared_ptr<SubscriptionState>> by_id_;
  std::vector<std::uint32_t> ids_free_;
  std::vector<std::shared_ptr<SubscriptionState>> all_;
  struct GroupOf {
    unsigned worker = 0;
    unsigned members = 0;
    Placement placement = Placement::pinned;
    Overflow overflow;
    struct Kinds {
      unsigned plain = 0;
      unsigned keeping = 0;  ///< keeps_events
    };
    std::map<EventTypeId, Kinds> uncopied;  ///< members by their type, where its events are not trivially copyable
  };
  /// Events that lie in a lane for one member may be another's when it ends: either all keep such events, or none.
  [[nodiscard]] static bool can_inherit(const GroupOf& group, const SubscriptionState& subscription);
  std::map<std::string, GroupOf> groups_;
  unsigned next_worker_ = 0;
};

}  // namespace headrace
