#include "headrace/port/runner_lease.hpp"

#include <algorithm>
#include <utility>

#include "headrace/event/event_id.hpp"

namespace headrace {
namespace {

constexpr int kParts = 4;
constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24 * 365);
constexpr std::chrono::milliseconds kLookEvery{1000};  ///< at a lease that somebody else holds, at least

std::chrono::milliseconds part_of(std::chrono::milliseconds lease_for) { return lease_for / kParts; }

}  // namespace

RunnerLease::RunnerLease(LeaseStore& store, std::string name, RunnerLeaseOptions options)
    : store_(store), name_(std::move(name)), options_(options), owner_(EventId::make().low | 1) {}

RunnerLease::~RunnerLease() {
  renewer_.request_stop();
  if (renewer_.joinable()) renewer_.join();
  // One that cannot be given up runs out.
  static_cast<void>(store_.give_up(name_, owner_).has_value());
}

Result<std::unique_ptr<RunnerLease>> RunnerLease::try_take(LeaseStore& store, std::string name,
                                                           RunnerLeaseOptions options) {
  if (name.empty() || part_of(options.lease_for).count() <= 0) {
    return Error{"a lease has a name, and lasts 4 ms or longer", name};
  }
  options.lease_for = std::min(options.lease_for, kLongest);
  std::unique_ptr<RunnerLease> lease(new RunnerLease(store, std::move(name), options));
  const Result<bool> held = lease->hold();
  if (!held) return held.error();
  if (!*held) return std::unique_ptr<RunnerLease>();
  if (options.renews == RunnerLeaseOptions::Renews::by_itself) {
    RunnerLease* const self = lease.get();
    lease->renewer_ = std::jthread([self](const std::stop_token& stop) { self->keep_on(stop); });
  }
  return lease;
}

Result<std::unique_ptr<RunnerLease>> RunnerLease::take(LeaseStore& store, std::string name, std::stop_token stop,
                                                       RunnerLeaseOptions options) {
  std::mutex mutex;
  std::condition_variable_any never;
  while (!stop.stop_requested()) {
    auto taken = try_take(store, name, options);
    if (taken ? *taken != nullptr : taken.error().retry == Error::Retry::no) return taken;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, std::min(part_of(options.lease_for), kLookEvery), [] { return false; });
  }
  return std::unique_ptr<RunnerLease>();
}

bool RunnerLease::is_held() const noexcept {
  return options_.time.now_ns() < held_until_ns_.load(std::memory_order_relaxed);  // no partner: a value
}

Result<bool> RunnerLease::hold() {
  // From before the store is asked: it may take its time.
  const std::uint64_t asked_ns = options_.time.now_ns();
  const Result<bool> held = store_.hold(name_, owner_, options_.time.wall_time(), options_.lease_for);
  if (!held || !*held) return held;
  const std::chrono::nanoseconds acts_for = options_.lease_for - part_of(options_.lease_for);
  held_until_ns_.store(asked_ns + static_cast<std::uint64_t>(acts_for.count()),
                       std::memory_order_relaxed);  // no partner: a value
  return true;
}

bool RunnerLease::renew() {
  // Whoever saw that it is lost has stopped: it must not come back to life.
  bool lost = !is_held();
  if (!lost) {
    const Result<bool> held = hold();
    lost = held && !*held;
  }
  if (lost) held_until_ns_.store(0, std::memory_order_relaxed);  // no partner: a value
  return is_held();
}

void RunnerLease::keep_on(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, part_of(options_.lease_for), [] { return false; });
    }
    if (stop.stop_requested() || !renew()) return;
  }
}

}  // namespace headrace
