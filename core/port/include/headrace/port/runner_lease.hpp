#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "headrace/base/atomic.hpp"
#include "headrace/base/result.hpp"
#include "headrace/base/time_source.hpp"
#include "headrace/port/lease_store.hpp"

namespace headrace {

struct RunnerLeaseOptions {
  /// How long after a crash nobody takes over. The holder stops acting when three quarters of it are over without a
  /// renewal: a quarter is for clocks that differ, and for what has just begun. At least 4 ms.
  std::chrono::milliseconds lease_for{10'000};
  TimeSource time{};
  enum class Renews : std::uint8_t {
    by_itself,    ///< on a thread of its own, four times as often as the lease is long
    when_called,  ///< by renew()
  };
  Renews renews = Renews::by_itself;
};

/// The right to run what only one program may run at a time: the sagas of a table, an outbox.
///
///     auto lease = RunnerLease::take(store.leases(), "sagas of orders", stop).value();   // waits for its turn
///     auto runner = SagaRunner::open(store, letters, table, {.lease = lease.get()});
///
/// A lease that is lost stays lost: whoever ran under it stops acting, and what it did not finish goes on with the next
/// holder. To go on here, take another one and open the runner anew.
///
/// Threads:   is_held() from any; renew() one at a time.
/// Crash:     the lease runs out lease_for after its last renewal.
/// Not kept:  a step that is running when its lease is lost runs on. A process that stands still for lease_for
///            (SIGSTOP, a suspended machine) while a step runs, or wall clocks that jump or differ by more than a
///            quarter of it, may let two programs act at a time. Histories stay right even then: their appends are
///            conditional.
class RunnerLease {
 public:
  /// Null: somebody else holds it.
  [[nodiscard]] static Result<std::unique_ptr<RunnerLease>> try_take(LeaseStore& store, std::string name,
                                                                     RunnerLeaseOptions options = {});
  /// Waits until it is free. Null: stopped before. An error: the store says that no retry helps.
  [[nodiscard]] static Result<std::unique_ptr<RunnerLease>> take(LeaseStore& store, std::string name,
                                                                 std::stop_token stop = {},
                                                                 RunnerLeaseOptions options = {});
  /// Gives it up, so that the next one need not wait. Whatever runs under it has ended before.
  ~RunnerLease();
  RunnerLease(const RunnerLease&) = delete;
  RunnerLease& operator=(const RunnerLease&) = delete;

  /// Once false it stays so.
  [[nodiscard]] bool is_held() const noexcept;
  /// Answers is_held(). An error of the store is none yet: the lease may hold until the next try.
  bool renew();
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  RunnerLease(LeaseStore& store, std::string name, RunnerLeaseOptions options);
  /// False: somebody else's.
  [[nodiscard]] Result<bool> hold();
  void keep_on(const std::stop_token& stop);

  LeaseStore& store_;
  const std::string name_;
  const RunnerLeaseOptions options_;
  const LeaseOwner owner_;
  Atomic<std::uint64_t> held_until_ns_{0};  ///< by the steady clock; 0: lost. Written by whoever renews

  std::mutex mutex_;  ///< for waiting only
  std::condition_variable_any changed_;
  std::jthread renewer_;  ///< last: it uses all of the above
};

}  // namespace headrace
