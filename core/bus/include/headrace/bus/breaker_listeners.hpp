#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "headrace/delivery/breaker_change.hpp"

namespace headrace {

/// Who else hears of a bus's breakers, beside DeliveryDefaults::on_breaker and under the same rules.
/// Threads: any.
class BreakerListeners {
 public:
  using Heard = std::function<void(const BreakerChange&)>;

  [[nodiscard]] std::uint64_t add(Heard heard) {
    const std::scoped_lock lock(mutex_);
    listeners_.emplace(++last_, std::move(heard));
    return last_;
  }
  /// It does not run any more.
  void remove(std::uint64_t which) {
    const std::scoped_lock lock(mutex_);
    listeners_.erase(which);
  }
  void tell(const BreakerChange& change) {
    const std::scoped_lock lock(mutex_);
    for (const auto& [which, heard] : listeners_) heard(change);
  }

 private:
  std::mutex mutex_;
  std::uint64_t last_ = 0;                    // behind mutex_
  std::map<std::uint64_t, Heard> listeners_;  // behind mutex_
};

}  // namespace headrace
