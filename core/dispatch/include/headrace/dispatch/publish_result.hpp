#pragma once

#include <cstdint>
#include <string_view>

namespace headrace {

enum class PublishStatus : std::uint8_t {
  published,            ///< every matching group will see it
  unrouted,             ///< accepted; nobody subscribes to it
  dropped,              ///< accepted; the overflow policy of at least one group gave it up, and counted it
  full,                 ///< not accepted: a lane is full
  timed_out,            ///< not accepted: a lane stayed full until the policy's deadline
  closed,               ///< not accepted: the bus is stopping or stopped
  too_many_topics,      ///< not accepted: topics_max distinct topics are known already
  bad_topic,            ///< not accepted: the topic is empty, too long, or holds a wildcard or NUL
  too_many_publishers,  ///< not accepted: publishers_max handles are alive
};

[[nodiscard]] constexpr std::string_view to_string(PublishStatus status) noexcept {
  switch (status) {
    case PublishStatus::published:
      return "published";
    case PublishStatus::unrouted:
      return "unrouted";
    case PublishStatus::dropped:
      return "dropped";
    case PublishStatus::full:
      return "full";
    case PublishStatus::timed_out:
      return "timed out";
    case PublishStatus::closed:
      return "closed";
    case PublishStatus::too_many_topics:
      return "too many topics";
    case PublishStatus::bad_topic:
      return "bad topic";
    case PublishStatus::too_many_publishers:
      return "too many publishers";
  }
  return "unknown";
}

/// What became of a publish. True when the bus took the event; an event not taken was published to nobody.
class [[nodiscard]] PublishResult {
 public:
  constexpr PublishResult(PublishStatus status, std::uint32_t accepted) noexcept
      : status_(status), accepted_(accepted) {}

  constexpr explicit operator bool() const noexcept { return status_ <= PublishStatus::dropped; }
  [[nodiscard]] constexpr PublishStatus status() const noexcept { return status_; }
  /// The same, for `if (!result) handle(result.error())`.
  [[nodiscard]] constexpr PublishStatus error() const noexcept { return status_; }
  /// How many events of a span were taken: all, or those before the first that was not.
  [[nodiscard]] constexpr std::uint32_t accepted() const noexcept { return accepted_; }

 private:
  PublishStatus status_;
  std::uint32_t accepted_;
};

}  // namespace headrace
