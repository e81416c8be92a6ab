#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stores.hpp"

namespace headrace::test {

/// What a store should do, in the plainest words: one list of events. Positions are taken over from the store.
class StoreModel {
 public:
  struct Fact {
    EventPosition position;
    std::string stream;
    StreamVersion version;
    EncodedEvent event;
  };

  [[nodiscard]] StreamVersion version(const std::string& stream) const {
    const auto found = versions_.find(stream);
    return found == versions_.end() ? 0 : found->second;
  }

  [[nodiscard]] AppendOutcome expected_outcome(const AppendRequest& request) const {
    std::size_t events = 0, here = 0, anywhere = 0;
    for (const auto& append : request.streams) {
      for (const auto& event : append.events) {
        ++events;
        for (const Fact& fact : facts_) {
          if (fact.event.envelope.id != event.envelope.id) continue;
          ++anywhere;
          here += fact.stream == append.stream;
        }
      }
    }
    if (anywhere > 0) return here == events ? AppendOutcome::duplicate : AppendOutcome::id_conflict;
    for (const auto& append : request.streams) {
      if (!append.expected.holds(version(append.stream))) return AppendOutcome::version_conflict;
    }
    for (const auto& condition : request.conditions) {
      for (const Fact& fact : facts_) {
        if (fact.position > condition.after && matches(condition.unless, fact.event.envelope)) {
          return AppendOutcome::condition_failed;
        }
      }
    }
    return AppendOutcome::appended;
  }

  void append(const AppendRequest& request, const std::vector<EventPosition>& positions) {
    auto position = positions.begin();
    for (const auto& append : request.streams) {
      for (const auto& event : append.events) {
        facts_.push_back({*position++, append.stream, ++versions_[append.stream], event});
      }
    }
  }

  void truncate_stream(const std::string& stream, StreamVersion keep_from) {
    std::erase_if(facts_, [&](const Fact& fact) { return fact.stream == stream && fact.version < keep_from; });
  }
  void truncate_all(EventPosition keep_from) {
    std::erase_if(facts_, [&](const Fact& fact) { return fact.position < keep_from; });
  }

  /// The facts that a predicate takes, in either direction, up to a limit.
  template <class Wanted>
  [[nodiscard]] std::vector<Fact> find(Wanted wanted, Direction direction, std::size_t limit) const {
    std::vector<Fact> found;
    std::copy_if(facts_.begin(), facts_.end(), std::back_inserter(found), wanted);
    if (direction == Direction::backward) std::reverse(found.begin(), found.end());
    if (found.size() > limit) found.erase(found.begin() + static_cast<std::ptrdiff_t>(limit), found.end());
    return found;
  }
  [[nodiscard]] const std::vector<Fact>& facts() const { return facts_; }

 private:
  std::vector<Fact> facts_;
  std::map<std::string, StreamVersion> versions_;
};

}  // namespace headrace::test
