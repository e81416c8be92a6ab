#include "headrace/telemetry/ledger.hpp"

namespace headrace {

Ledger& Ledger::operator+=(const Ledger& other) noexcept {
  published += other.published;
  handled += other.handled;
  dropped += other.dropped;
  unrouted += other.unrouted;
  failed += other.failed;
  dead_lettered += other.dead_lettered;
  in_flight += other.in_flight;
  return *this;
}

std::string to_string(const Ledger& ledger) {
  const std::string letters =
      ledger.dead_lettered == 0 ? std::string() : " + dead-lettered " + std::to_string(ledger.dead_lettered);
  return "published " + std::to_string(ledger.published) + " = handled " + std::to_string(ledger.handled) +
         " + dropped " + std::to_string(ledger.dropped) + " + unrouted " + std::to_string(ledger.unrouted) +
         " + failed " + std::to_string(ledger.failed) + letters + " + in flight " + std::to_string(ledger.in_flight);
}

std::ostream& operator<<(std::ostream& out, const Ledger& ledger) { return out << to_string(ledger); }

}  // namespace headrace
