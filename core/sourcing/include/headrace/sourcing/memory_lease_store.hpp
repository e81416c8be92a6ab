#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "headrace/event/time_after.hpp"
#include "headrace/port/lease_store.hpp"

namespace headrace {

/// Leases within one process: for tests. @thread any
class MemoryLeaseStore final : public LeaseStore {
 public:
  Result<bool> hold(std::string_view name, LeaseOwner owner, EventTime now,
                    std::chrono::nanoseconds lease_for) override {
    const std::lock_guard lock(mutex_);
    Held& held = leases_[std::string{name}];
    if (held.owner != 0 && held.owner != owner && held.until > now) return false;
    held = {owner, time_after(now, lease_for)};
    return true;
  }
  Status give_up(std::string_view name, LeaseOwner owner) override {
    const std::lock_guard lock(mutex_);
    const auto found = leases_.find(name);
    if (found != leases_.end() && found->second.owner == owner) leases_.erase(found);
    return Nothing{};
  }

 private:
  struct Held {
    LeaseOwner owner = 0;
    EventTime until{};
  };
  std::mutex mutex_;
  std::map<std::string, Held, std::less<>> leases_;  // behind mutex_
};

}  // namespace headrace
