#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace headrace {

/// How an adapter stands with its broker.
enum class AdapterState : std::uint8_t {
  idle,        ///< not started, or stopped
  connecting,  ///< no connection yet, or none any more; trying
  up,
  blocked,  ///< connected, and the broker takes nothing for now
  down,     ///< as connecting, for longer than the adapter's `down_after`
  gave_up,  ///< refused for good (credentials, a name that does not exist): start() again after a change
};

[[nodiscard]] constexpr std::string_view to_string(AdapterState state) noexcept {
  constexpr std::string_view kNames[] = {"idle", "connecting", "up", "blocked", "down", "gave up"};
  return kNames[static_cast<std::size_t>(state)];
}

struct Health {
  AdapterState state = AdapterState::idle;
  std::string reason;             ///< why it is not up; never holds credentials
  std::uint64_t connections = 0;  ///< made so far
};

/// An adapter's health, written by its thread and read by any. The callback runs on the writer's thread, outside
/// of the lock, and must not block.
class HealthBoard {
 public:
  using Changed = std::function<void(const Health&)>;
  explicit HealthBoard(Changed changed = nullptr) : changed_(std::move(changed)) {}

  void set(AdapterState state, std::string reason = {}) {
    Health now;
    {
      const std::scoped_lock lock(mutex_);
      if (health_.state == state && health_.reason == reason) return;
      if (state == AdapterState::up && health_.state != AdapterState::blocked) ++health_.connections;
      health_.state = state;
      health_.reason = std::move(reason);
      now = health_;
    }
    if (changed_) changed_(now);
  }
  [[nodiscard]] Health get() const {
    const std::scoped_lock lock(mutex_);
    return health_;
  }

 private:
  const Changed changed_;
  mutable std::mutex mutex_;
  Health health_;
};

}  // namespace headrace
