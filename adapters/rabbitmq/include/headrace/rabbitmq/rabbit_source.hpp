#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "headrace/port/gated_source.hpp"
#include "headrace/rabbitmq/rabbit_options.hpp"
#include "headrace/rabbitmq/topology.hpp"

namespace headrace::rabbitmq {

enum class Rejected : std::uint8_t {
  dead_letter,  ///< the queue has a dead-letter exchange, which takes them
  drop,         ///< they are gone
};

struct RabbitSourceOptions {
  RabbitOptions server = {};
  std::string queue;                  ///< must exist or be in the topology
  Topology topology = {};             ///< declared at every connection
  std::size_t unsettled_max = 1'000;  ///< the prefetch, less what is out after a pause; at most 65,535
  int priority = 0;                   ///< among the queue's consumers the highest gets messages first
  /// What Settlement::reject means. A queue of the topology without dead letters is refused by start(), unless
  /// they may be dropped; of a queue that is not in the topology the caller must know it.
  Rejected rejected = Rejected::dead_letter;
};

/// Source of one queue. A message is acknowledged when its outcome is known, in batches where they are contiguous.
/// Retry gives it back to the server at once, which delivers it again near the queue's head.
///
/// Attempt: 1 + what the server counted: x-death (rejected, expired) and a quorum queue's deliveries; 0 when a
///          classic queue says `redelivered`, of which it keeps no count.
/// Order:   the queue's, with one consumer, as long as nothing is retried.
class RabbitSource final : public GatedSource {
 public:
  explicit RabbitSource(RabbitSourceOptions options);

 private:
  class Consumer;
};

}  // namespace headrace::rabbitmq
