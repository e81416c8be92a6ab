#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "headrace/base/result.hpp"
#include "headrace/event/envelope.hpp"

namespace headrace {

/// Who holds a lease: a number that nobody else has, in any process. Not 0.
using LeaseOwner = std::uint64_t;

/// Who may do what only one program may do at a time, by name and until a time.
///
/// Threads: every function from any thread, and from several processes that share the store.
/// Errors:  what the store cannot do now says `maybe`; a failed call changes nothing.
/// Rules:   the time is the caller's `now`; the store reads no clock. Programs that share a store share a wall clock,
///          but for less than they allow each other: see RunnerLease.
class LeaseStore {
 public:
  virtual ~LeaseStore() = default;

  /// Takes the lease, or goes on holding it, until now + lease_for. False: somebody else holds it at `now`.
  [[nodiscard]] virtual Result<bool> hold(std::string_view name, LeaseOwner owner, EventTime now,
                                          std::chrono::nanoseconds lease_for) = 0;
  /// It is free at once. Of a lease that this owner does not hold nothing happens.
  [[nodiscard]] virtual Status give_up(std::string_view name, LeaseOwner owner) = 0;
};

}  // namespace headrace
