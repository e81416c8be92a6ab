#include "headrace/telemetry/ledger.hpp"

#include <string_view>

namespace headrace {

Ledger& Ledger::operator+=(const Ledger& other) noexcept {
  published += other.published;
  handled += other.handled;
  dropped += other.dropped;
  expired += other.expired;
  unrouted += other.unrouted;
  failed += other.failed;
  dead_lettered += other.dead_lettered;
  in_flight += other.in_flight;
  letters_dropped += other.letters_dropped;
  return *this;
}

std::string to_string(const Ledger& ledger) {
  const auto where_any = [](std::string_view what, std::uint64_t count) {
    return count == 0 ? std::string() : std::string(what) + std::to_string(count);
  };
  return "published " + std::to_string(ledger.published) + " = handled " + std::to_string(ledger.handled) +
         " + dropped " + std::to_string(ledger.dropped) + where_any(" + expired ", ledger.expired) +
         " + unrouted " + std::to_string(ledger.unrouted) + " + failed " + std::to_string(ledger.failed) +
         where_any(" + dead-lettered ", ledger.dead_lettered) + " + in flight " +
         std::to_string(ledger.in_flight) + where_any("; letters dropped ", ledger.letters_dropped);
}

std::ostream& operator<<(std::ostream& out, const Ledger& ledger) { return out << to_string(ledger); }

}  // namespace headrace
