#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "headrace/telemetry/ledger.hpp"
#include "subscription_work.hpp"

namespace headrace::program {

struct Latency {
  std::uint64_t p50_ns = 0, p99_ns = 0, p999_ns = 0, max_ns = 0;
};

struct SubscriptionSummary {
  std::string name, group, filter;
  std::uint64_t handled = 0;
  std::uint64_t refused = 0;  ///< by the condition
  std::uint64_t failed = 0;
  double batch_mean = 0;
  Latency waited, handling;
  WorkTally work;
  std::string file;  ///< that it wrote; empty if none
};

/// What a run came to, for people and for programs.
struct RunReport {
  std::string source;
  bool interrupted = false;
  std::uint64_t records = 0;
  std::uint64_t rejected = 0;
  std::string first_reject, reject_file;
  std::map<std::string, std::uint64_t> not_taken;  ///< by the bus, by its answer: full, timed out
  std::chrono::nanoseconds took{};
  std::vector<SubscriptionSummary> subscriptions;
  std::vector<std::string> warnings;
  std::string lost_output;  ///< the first output that could not be kept in full, and why; also a warning
  Ledger ledger;

  [[nodiscard]] bool balanced() const noexcept { return ledger.balanced() && ledger.in_flight == 0; }
};

/// The whole report; its last line is the ledger's.
[[nodiscard]] std::string to_text(const RunReport& report);
[[nodiscard]] std::string to_json(const RunReport& report);

/// `26,277`
[[nodiscard]] std::string with_commas(std::uint64_t number);
/// `850 ns`, `12.3 us`, `4.56 ms`, `1.20 s`
[[nodiscard]] std::string duration_text(std::uint64_t ns);
/// `876 k/s`, `1.20 M/s`
[[nodiscard]] std::string rate_text(std::uint64_t count, std::chrono::nanoseconds time);

}  // namespace headrace::program
