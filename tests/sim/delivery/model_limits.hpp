#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>

#include "headrace/delivery/retry_budget.hpp"

namespace headrace::sim {

/// Which events were done lately, or are in progress. A clock that is set back moves nothing.
struct ModelWindow {
  enum class Copy : std::uint8_t { done, in_progress };
  struct Seen {
    Copy copy;
    std::int64_t until_ms;
  };
  static constexpr std::int64_t kDoneFor_ms = 600'000, kClaimFor_ms = 60'000;
  std::map<std::uint64_t, Seen> seen = {};
  std::int64_t latest_ms = 0;

  /// What the event is a copy of; nothing: it is the first one, and in progress from now on.
  std::optional<Copy> claim(std::uint64_t id, std::int64_t wall_ns) {
    look(wall_ns);
    const auto known = seen.find(id);
    if (known != seen.end() && latest_ms < known->second.until_ms) return known->second.copy;
    seen[id] = {Copy::in_progress, latest_ms + kClaimFor_ms};
    return std::nullopt;
  }
  void renew(std::uint64_t id, std::int64_t wall_ns, std::int64_t from_ns) {
    look(wall_ns);
    const auto known = seen.find(id);
    if (known == seen.end() || known->second.copy == Copy::done) return;
    known->second.until_ms = std::max(latest_ms, from_ns / 1'000'000) + kClaimFor_ms;
  }
  void finish(std::uint64_t id, bool done, std::int64_t wall_ns) {
    look(wall_ns);
    const auto known = seen.find(id);
    if (known == seen.end() || known->second.copy == Copy::done) return;
    if (done) {
      known->second = {Copy::done, latest_ms + kDoneFor_ms};
    } else {
      seen.erase(known);
    }
  }

 private:
  void look(std::int64_t wall_ns) { latest_ms = std::max(latest_ms, wall_ns / 1'000'000); }
};

/// A token bucket, in billionths of a token.
struct ModelBudget {
  static constexpr std::uint64_t kToken = 1'000'000'000;
  RetryBudgetOptions options;
  std::uint64_t left = options.tokens_max * kToken;
  std::uint64_t since_ns = 0;

  bool allows(std::uint64_t now_ns) {
    fill((now_ns - since_ns) * options.tokens_per_second);
    since_ns = now_ns;
    const std::uint64_t cost = options.retry_costs * kToken;
    if (left < cost) return false;
    left -= cost;
    return true;
  }
  void succeeded() { fill(options.success_refunds * kToken); }

 private:
  void fill(std::uint64_t by) { left = std::min(options.tokens_max * kToken, left + by); }
};

}  // namespace headrace::sim
