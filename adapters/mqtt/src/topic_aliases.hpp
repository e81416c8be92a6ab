#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace headrace::mqtt {

/// The numbers that stand for topics on one connection's way out (MQTT 5): as many as both sides want, the topic that
/// was used longest ago gives its number up.
class OutgoingAliases {
 public:
  explicit OutgoingAliases(std::size_t aliases_max = 0) : aliases_max_(aliases_max) {}

  struct Alias {
    std::uint16_t number = 0;  ///< 0: none
    bool is_known = false;     ///< the receiver knows it, so that the topic can be left out
  };
  /// Of the next packet to be sent: it must be.
  [[nodiscard]] Alias of(std::string_view topic) {
    if (aliases_max_ == 0 || topic.size() <= kWorth) return {};
    if (const auto at = by_topic_.find(topic); at != by_topic_.end()) {
      by_use_.splice(by_use_.begin(), by_use_, at->second);
      return {at->second->number, true};
    }
    if (by_use_.size() < aliases_max_) {
      by_use_.push_front({std::string(topic), static_cast<std::uint16_t>(by_use_.size() + 1)});
    } else {
      by_topic_.erase(by_use_.back().topic);
      by_use_.splice(by_use_.begin(), by_use_, std::prev(by_use_.end()));
      by_use_.front().topic = topic;
    }
    by_topic_.emplace(by_use_.front().topic, by_use_.begin());
    return {by_use_.front().number, false};
  }

 private:
  static constexpr std::size_t kWorth = 3;  ///< the bytes that an alias takes
  struct Use {
    std::string topic;
    std::uint16_t number = 0;
  };
  std::size_t aliases_max_;
  std::list<Use> by_use_;  ///< the last first
  std::unordered_map<std::string_view, std::list<Use>::iterator> by_topic_;
};

/// The numbers that a broker gives topics on one connection's way in: as many as it was told.
class IncomingAliases {
 public:
  explicit IncomingAliases(std::uint16_t aliases_max) : aliases_max_(aliases_max) {}

  /// The topic that a packet means, whose own is empty or not; nothing if there is none.
  [[nodiscard]] std::optional<std::string_view> topic_of(std::string_view topic,
                                                         std::optional<std::uint16_t> alias) {
    if (!alias) return topic.empty() ? std::nullopt : std::optional(topic);
    if (*alias == 0 || *alias > aliases_max_) return std::nullopt;
    if (topics_.size() < *alias) topics_.resize(*alias);
    std::string& known = topics_[*alias - 1];
    if (!topic.empty()) known = topic;
    return known.empty() ? std::nullopt : std::optional<std::string_view>(known);
  }

 private:
  std::uint16_t aliases_max_;
  std::vector<std::string> topics_;  ///< by number - 1
};

}  // namespace headrace::mqtt
