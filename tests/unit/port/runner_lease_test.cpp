#include "headrace/port/runner_lease.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace headrace {
namespace {

using namespace std::chrono_literals;
using Lease = std::unique_ptr<RunnerLease>;

/// One lease of a store that may be down, and a clock that is moved.
class OneLease final : public LeaseStore {
 public:
  Result<bool> hold(std::string_view, LeaseOwner owner, EventTime now,
                    std::chrono::nanoseconds lease_for) override {
    if (is_down) return Error{"down", {}, Error::Retry::maybe};
    if (owner_ != 0 && owner_ != owner && until_ > now) return false;
    owner_ = owner;
    until_ = now + lease_for;
    return true;
  }
  Status give_up(std::string_view, LeaseOwner owner) override {
    if (owner == owner_) owner_ = 0;
    return Nothing{};
  }
  TimeSource time() const {
    return {.steady = [](const void* self) { return static_cast<const OneLease*>(self)->now_ns; },
            .wall =
                [](const void* self) {
                  const auto ns = static_cast<std::int64_t>(static_cast<const OneLease*>(self)->now_ns);
                  return TimeSource::WallTime(std::chrono::nanoseconds(ns));
                },
            .self = this};
  }
  Lease try_take() {
    const RunnerLeaseOptions options{
        .lease_for = 100ms, .time = time(), .renews = RunnerLeaseOptions::Renews::when_called};
    return RunnerLease::try_take(*this, "sagas", options).value();
  }
  void advance(std::chrono::nanoseconds time) { now_ns += static_cast<std::uint64_t>(time.count()); }

  std::uint64_t now_ns = 1'000'000'000;
  bool is_down = false;

 private:
  LeaseOwner owner_ = 0;
  EventTime until_{};
};

// Claim:  one program at a time holds a lease, for as long as it renews it; given up, the next one need not wait.
// Method: two takers; a clock that goes on for ten lengths of the lease.
TEST(RunnerLease, OneHoldsItWhileItRenews) {
  OneLease store;
  Lease first = store.try_take();
  ASSERT_NE(first, nullptr);
  for (int part = 0; part < 40; ++part) {
    store.advance(25ms);
    EXPECT_TRUE(first->renew());
    EXPECT_EQ(store.try_take(), nullptr);
  }
  first = nullptr;
  EXPECT_NE(store.try_take(), nullptr);
}

// Claim:  whoever does not renew it stops acting before anybody else may begin, and does not come back to life.
// Method: the clock goes on by parts of the lease; the second one takes it, and gives it up again.
TEST(RunnerLease, EndsBeforeTheNextBegins) {
  OneLease store;
  const Lease first = store.try_take();
  store.advance(75ms - 1ns);
  EXPECT_TRUE(first->is_held());
  store.advance(1ns);
  EXPECT_FALSE(first->is_held());
  EXPECT_EQ(store.try_take(), nullptr);
  store.advance(25ms - 1ns);
  EXPECT_EQ(store.try_take(), nullptr);
  store.advance(1ns);
  Lease second = store.try_take();
  ASSERT_NE(second, nullptr);
  second = nullptr;
  EXPECT_FALSE(first->renew());
  EXPECT_NE(store.try_take(), nullptr) << "one that is lost takes nothing any more";
}

// Claim:  a store that is away costs the lease only when it stays away for three quarters of its length.
// Method: away for less, and for that.
TEST(RunnerLease, OutlivesAStoreThatIsAwayForAMoment) {
  OneLease store;
  const Lease lease = store.try_take();
  store.is_down = true;
  store.advance(50ms);
  EXPECT_TRUE(lease->renew());
  store.is_down = false;
  store.advance(20ms);
  EXPECT_TRUE(lease->renew());
  store.is_down = true;
  store.advance(75ms);
  EXPECT_FALSE(lease->renew());
  store.is_down = false;
  EXPECT_FALSE(lease->renew());
}

// Claim:  a lease without a name, or that lasts no time, is an error that no retry helps, also for one who waits; one
//         who is told to stop gets none.
// Method: each.
TEST(RunnerLease, WrongOnesAreRefused) {
  OneLease store;
  EXPECT_EQ(RunnerLease::try_take(store, "").error().retry, Error::Retry::no);
  EXPECT_EQ(RunnerLease::take(store, "a", {}, {.lease_for = 3ms}).error().retry, Error::Retry::no);
  EXPECT_EQ(RunnerLease::try_take(store, "a", {.lease_for = -1ms}).error().retry, Error::Retry::no);
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_EQ(RunnerLease::take(store, "a", stopped.get_token()).value(), nullptr);
}

// Claim:  a lease renews itself, and whoever waits for it gets it when its holder gives it up.
// Method: one waits on a thread for another, which ends once it has renewed; then is watched until it has, too. The
//         leases' own clock stands, so that no slow thread loses one.
TEST(RunnerLease, RenewsItselfUntilGivenUp) {
  struct Counted final : LeaseStore {
    OneLease store;
    std::mutex mutex;
    std::condition_variable held_again;
    int holds = 0;
    Result<bool> hold(std::string_view name, LeaseOwner owner, EventTime now,
                      std::chrono::nanoseconds lease_for) override {
      const std::lock_guard lock(mutex);
      const auto held = store.hold(name, owner, now, lease_for);
      if (*held) ++holds;
      held_again.notify_all();
      return held;
    }
    Status give_up(std::string_view name, LeaseOwner owner) override {
      const std::lock_guard lock(mutex);
      return store.give_up(name, owner);
    }
    void wait_for_holds(int wanted) {
      std::unique_lock lock(mutex);
      held_again.wait(lock, [&] { return holds >= wanted; });
    }
  } store;
  const RunnerLeaseOptions options{.lease_for = 4ms, .time = store.store.time()};
  Lease first = RunnerLease::try_take(store, "a", options).value();
  Lease second;
  std::jthread waits([&] { second = RunnerLease::take(store, "a", {}, options).value(); });
  store.wait_for_holds(3);
  first = nullptr;
  waits.join();
  ASSERT_NE(second, nullptr);
  store.wait_for_holds(10);
}

}  // namespace
}  // namespace headrace
