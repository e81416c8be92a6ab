#pragma once

#include <cstdint>
#include <ostream>
#include <string>

namespace headrace {

/// The account of what was published. It balances at every quiescent point: published events are handled, dropped
/// by policy, expired (their time to live was over), unrouted (nobody wanted them), failed, dead-lettered, or in
/// flight. While events move, parts read one after the other need not add up. Once nobody publishes, a ledger with
/// nothing in flight counts all that was published.
struct Ledger {
  std::uint64_t published = 0;
  std::uint64_t handled = 0;
  std::uint64_t dropped = 0;
  std::uint64_t expired = 0;  ///< and dropped; those that became dead letters are counted there
  std::uint64_t unrouted = 0;
  std::uint64_t failed = 0;
  std::uint64_t dead_lettered = 0;
  std::uint64_t in_flight = 0;
  /// Beside the balance: dead letters, from whenever, that a full store gave up to make room for these.
  std::uint64_t letters_dropped = 0;

  [[nodiscard]] bool balanced() const noexcept {
    return published == handled + dropped + expired + unrouted + failed + dead_lettered + in_flight;
  }

  Ledger& operator+=(const Ledger& other) noexcept;
  friend bool operator==(const Ledger&, const Ledger&) = default;
};

/// `published N = handled A + dropped B + unrouted C + failed D + in flight E`. Where there are any, those that expired
/// stand behind the dropped ones, dead letters behind the failed ones, and dropped letters at the end.
[[nodiscard]] std::string to_string(const Ledger& ledger);
std::ostream& operator<<(std::ostream& out, const Ledger& ledger);

}  // namespace headrace
