#pragma once

#include "headrace/dispatch/publish_result.hpp"
#include "headrace/port/settle.hpp"

namespace headrace {

/// What a broker is told of a message that the bus did not take. A topic stays bad, and a table stays full; a lane
/// empties, and another process takes what a closed bus leaves.
[[nodiscard]] inline Settlement settlement_of_refusal(PublishStatus status) noexcept {
  const bool for_good = status == PublishStatus::bad_topic || status == PublishStatus::too_many_topics;
  return for_good ? Settlement::reject : Settlement::retry;
}

}  // namespace headrace
