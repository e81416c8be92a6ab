#pragma once

#include <memory>

#include "headrace/base/cache_line.hpp"
#include "headrace/telemetry/counter.hpp"
#include "headrace/telemetry/latency_histogram.hpp"
#include "headrace/telemetry/numbered_counters.hpp"

namespace headrace {

/// What one worker counts for one subscription. Written by that worker, read by anyone.
struct alignas(kNoSharingBytes) SubscriptionStats {
  SingleWriterCounter handled;
  SingleWriterCounter failed;
  SingleWriterCounter refused;       ///< the predicate said no: counted as unrouted in the ledger
  SingleWriterCounter unsubscribed;  ///< dropped: the subscription had ended before its events were reached
  SingleWriterCounter dead_lettered;
  SingleWriterCounter dropped;          ///< by a delivery policy
  SingleWriterCounter expired;          ///< and dropped
  SingleWriterCounter copies;           ///< of those dropped: done before
  SingleWriterCounter unchecked;        ///< handled while the store of done events was down
  SingleWriterCounter letters_dropped;  ///< older letters that made room for those dead-lettered
  SingleWriterCounter runs;             ///< calls of the handler's loop; handled / runs is the mean batch
  NumberedCounters published;           ///< with Flow::counted: by its handler, events by TopicNode::number
#if HEADRACE_TELEMETRY
  LatencyHistogram queue_wait_ns;
  LatencyHistogram handling_ns;  ///< a run's time divided by its events
#endif
};

}  // namespace headrace
