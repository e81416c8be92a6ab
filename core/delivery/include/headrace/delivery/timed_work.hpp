#pragma once

#include "headrace/delivery/timing_wheel.hpp"

namespace headrace {

class DeliveryAgent;

/// What a worker does at a time beside retries: the next letter of a redrive, a publication.
class TimedWork {
 public:
  virtual ~TimedWork() = default;
  /// @thread worker
  virtual void due(DeliveryAgent& agent) = 0;
  /// It will not come due any more. @thread whoever stops the bus
  virtual void bus_stopped() = 0;

  TimerToken timer;  ///< the agent's
};

}  // namespace headrace
