#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "connection.hpp"
#include "waker.hpp"

namespace headrace::rabbitmq {

/// How long a thread waits before it looks at everything again; heartbeats are served then, too.
constexpr std::chrono::milliseconds kLookAgain{500};
/// Messages of one direction before the other is looked at.
constexpr std::size_t kTurn = 64;

/// The thread of a source or a sink: connects, serves, and connects again, until halt() or an error for good.
/// Threads:  connected() from the thread itself; the rest from any.
class ConnectionLoop {
 public:
  /// Serves a connection until halting() or an error. Whatever belongs to it is over when it returns.
  using Serve = std::function<Status(Connection&)>;

  explicit ConnectionLoop(const RabbitOptions& options) : options_(options), health_(options.on_health) {}
  ~ConnectionLoop() { halt(); }

  [[nodiscard]] Status start(Serve serve);
  /// Lets the thread finish what it does within the answer timeout, then cuts the connection.
  void halt();
  [[nodiscard]] bool halting() const;
  /// The server has taken everything that serving begins with.
  void connected();
  /// Shared, since an answer may come while its source ends.
  [[nodiscard]] const std::shared_ptr<Waker>& waker() const noexcept { return waker_; }
  [[nodiscard]] HealthBoard& health() noexcept { return health_; }
  [[nodiscard]] const HealthBoard& health() const noexcept { return health_; }

 private:
  void run();
  [[nodiscard]] Status connect_and_serve();

  const RabbitOptions options_;
  RabbitAddress address_;
  Serve serve_;
  HealthBoard health_;
  const std::shared_ptr<Waker> waker_ = std::make_shared<Waker>();
  Breaker breaker_;
  std::thread thread_;
  bool was_connected_ = false;  ///< thread_'s own

  mutable std::mutex mutex_;  ///< the flags
  std::condition_variable changed_;
  bool halting_ = false;
  bool ended_ = false;
};

}  // namespace headrace::rabbitmq
