#pragma once

#include <cstdint>

#include "headrace/base/atomic.hpp"

namespace headrace {

/// A count with one owner who adds and any number of readers: an add is a load, an addition and a store, never a
/// locked instruction. Two owners would lose adds. Readers see a value that was true lately. It is exact once
/// something else has ordered the owner's work before the read: a join, a quiescent point.
class SingleWriterCounter {
 public:
  /// @thread owner  @progress wait-free
  void add(std::uint64_t amount = 1) noexcept {
    const auto before = value_.load(std::memory_order_relaxed);  // no partner: own variable
    value_.store(before + amount, std::memory_order_relaxed);    // no partner: publishes nothing but itself
  }
  /// @thread any  @progress wait-free
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);  // no partner: orders nothing
  }

 private:
  Atomic<std::uint64_t> value_{0};  // writer: owner
};

}  // namespace headrace
