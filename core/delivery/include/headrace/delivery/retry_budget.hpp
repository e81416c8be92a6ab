#pragma once

#include <algorithm>
#include <cstdint>

namespace headrace {

struct RetryBudgetOptions {
  std::uint32_t tokens_max = 100;
  std::uint32_t tokens_per_second = 10;
  std::uint32_t retry_costs = 1;      ///< tokens
  std::uint32_t success_refunds = 0;  ///< tokens: AWS's clients use 500 tokens, 5 a retry and 1 back
};

/// A token bucket against retry storms: while a service is down every caller fails, and retries without a limit
/// would multiply the load that it comes back to. The bucket starts full; a retry that finds it empty is given up.
/// Threads: one owner. Time: passed in; a jump backward adds nothing.  Exact: whole numbers, no drift.
class RetryBudget {
 public:
  explicit RetryBudget(RetryBudgetOptions options = {}, std::uint64_t now_ns = 0) noexcept
      : options_(options), level_(full()), at_ns_(now_ns) {}

  /// Takes what one retry costs; false: not enough is there, and nothing is taken.
  [[nodiscard]] bool try_retry(std::uint64_t now_ns) noexcept {
    refill(now_ns);
    const std::uint64_t cost = options_.retry_costs * kToken;
    if (level_ < cost) return false;
    level_ -= cost;
    return true;
  }
  void succeeded() noexcept { level_ = std::min(full(), level_ + options_.success_refunds * kToken); }

  [[nodiscard]] std::uint64_t tokens(std::uint64_t now_ns) noexcept {
    refill(now_ns);
    return level_ / kToken;
  }

 private:
  // A token is 10^9 parts, so that tokens_per_second parts come each nanosecond.
  static constexpr std::uint64_t kToken = 1'000'000'000;

  [[nodiscard]] std::uint64_t full() const noexcept { return options_.tokens_max * kToken; }
  void refill(std::uint64_t now_ns) noexcept {
    if (now_ns <= at_ns_) return;
    const std::uint64_t passed = now_ns - at_ns_;
    at_ns_ = now_ns;
    const std::uint64_t rate = options_.tokens_per_second;
    const std::uint64_t missing = full() - level_;
    level_ = rate != 0 && passed > missing / rate ? full() : level_ + passed * rate;
  }

  RetryBudgetOptions options_;
  std::uint64_t level_;
  std::uint64_t at_ns_;
};

}  // namespace headrace
