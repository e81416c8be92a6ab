#pragma once

#include "headrace/port/lease_store.hpp"
#include "state_stores.hpp"

namespace headrace::sqlite {

/// Leases of all programs that have the file open.
class Leases final : public LeaseStore {
 public:
  explicit Leases(Write write) : write_(std::move(write)) {}
  Result<bool> hold(std::string_view name, LeaseOwner owner, EventTime now,
                    std::chrono::nanoseconds lease_for) override;
  Status give_up(std::string_view name, LeaseOwner owner) override;

 private:
  Write write_;
};

}  // namespace headrace::sqlite
