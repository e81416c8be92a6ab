#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "headrace/base/result.hpp"
#include "headrace/port/backoff.hpp"
#include "headrace/port/health.hpp"
#include "headrace/port/waker.hpp"

namespace headrace {

/// The thread of a source or a sink: connects, serves, and connects again after a delay, until halt() or an error
/// for good. For adapters.
///
/// Threads:  connected() and rest() from the thread itself; start() and the destructor from any other; the rest from any, also
///           several at once. halt() on the thread itself only says so: whoever halts next, joins.
class ConnectionLoop {
 public:
  struct Options {
    Backoff::Options backoff = {};
    HealthBoard::Changed on_health = nullptr;
    std::chrono::milliseconds patience{0};  ///< how long halt() waits before it cuts
    /// Called by halt(), beside waker(): for a serve that waits elsewhere. Any thread.
    std::function<void()> on_halt = nullptr;
    std::chrono::milliseconds down_after{30'000};  ///< without a connection: health says so, and the loop goes on
  };
  /// Connects, and serves the connection until halting() or an error; whatever belongs to it is over on return.
  using Serve = std::function<Status()>;
  /// Makes whatever serve waits for fail. Called from another thread.
  using Cut = std::function<void()>;

  explicit ConnectionLoop(Options options) : options_(options), health_(options.on_health) {}
  ~ConnectionLoop();

  void start(Serve serve, Cut cut = nullptr);
  /// Lets the thread finish what it does within `patience`, cuts, and joins.
  void halt();
  /// To be asked after the waker's begin(): what halt() says before that wakes nobody.
  [[nodiscard]] bool halting() const;
  /// The server has taken everything that serving begins with: the next delay is a short one, as it also is after a serve
  /// that lasted longer than the longest delay.
  void connected();
  /// Waits so long, or until halt(); answers whether to go on.
  bool rest(std::chrono::milliseconds how_long);
  /// Shared, since an answer may come while its source ends.
  [[nodiscard]] const std::shared_ptr<Waker>& waker() const noexcept { return waker_; }
  [[nodiscard]] HealthBoard& health() noexcept { return health_; }
  [[nodiscard]] const HealthBoard& health() const noexcept { return health_; }

 private:
  void run();
  void tell_broken(const Status& ended);

  const Options options_;
  Serve serve_;
  Cut cut_;
  HealthBoard health_;
  const std::shared_ptr<Waker> waker_ = std::make_shared<Waker>();
  std::mutex joining_;  ///< thread_, serve_ and cut_: one starts or joins at a time
  std::thread thread_;
  bool was_connected_ = false;                     ///< thread_'s own, like
  std::chrono::steady_clock::time_point away_at_;  ///< since when there is no connection

  mutable std::mutex mutex_;  ///< the flags
  std::condition_variable changed_;
  bool halting_ = false;
  bool gave_up_ = false;  ///< waits to be halted, or started again
  bool ended_ = true;
  std::thread::id own_;  ///< thread_'s, while it runs
};

}  // namespace headrace
