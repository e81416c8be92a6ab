#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "headrace/telemetry/histogram_snapshot.hpp"
#include "headrace/telemetry/ledger.hpp"

namespace headrace {

/// One subscription's account, over all workers that ran it.
struct SubscriptionReport {
  std::string name;
  std::string group;
  std::string filter;
  std::uint64_t handled = 0;
  std::uint64_t failed = 0;
  std::uint64_t refused = 0;       ///< by its predicate
  std::uint64_t unsubscribed = 0;  ///< reached after it had ended
  std::uint64_t dead_lettered = 0;
  std::uint64_t letters_dropped = 0;  ///< older dead letters that a full store gave up to make room for these
  std::uint64_t dropped = 0;          ///< by a delivery policy: a copy, no room to wait
  std::uint64_t expired = 0;          ///< and dropped
  std::uint64_t copies = 0;           ///< of those dropped: done before
  std::uint64_t unchecked = 0;        ///< handled while the store of done events was down
  std::uint64_t runs = 0;             ///< handled / runs is the mean batch
  HistogramSnapshot queue_wait_ns;    ///< sampled: from publish to the start of the handler
  HistogramSnapshot handling_ns;      ///< sampled: a run's time divided by its events
};

/// What bus.snapshot() tells. The ledger counts deliveries: an event that three groups match is published three
/// times over; one that nobody matches, once, as unrouted; so is what a predicate refused.
struct Snapshot {
  Ledger ledger;
  std::vector<SubscriptionReport> subscriptions;
};

/// What stop() did.
struct StopReport {
  Ledger ledger;
  bool drained = false;            ///< everything was handled before the deadline
  std::uint64_t abandoned = 0;     ///< deliveries given up at the deadline; counted as dropped
  std::uint64_t scheduled = 0;     ///< publications whose time had not come; they are in no ledger
  std::vector<std::string> stuck;  ///< workers whose handler did not return, with the subscription's name
  std::chrono::nanoseconds took{};
};

}  // namespace headrace
