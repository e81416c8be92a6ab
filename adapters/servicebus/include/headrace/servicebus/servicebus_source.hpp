#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "headrace/port/gated_source.hpp"
#include "headrace/servicebus/servicebus_options.hpp"

namespace headrace::servicebus {

enum class SubQueue : std::uint8_t {
  none,
  dead_letters,  ///< of the entity
};

enum class SequenceNumbers : std::uint8_t {
  left_out,
  in_header,  ///< kSequenceNumberHeader
};

struct ServiceBusSourceOptions {
  ServiceBusOptions server = {};
  /// A queue, or TOPIC/Subscriptions/NAME; empty: the connection string's EntityPath.
  std::string entity = {};
  SubQueue sub_queue = SubQueue::none;
  std::size_t unsettled_max = 1'000;  ///< fetched and not settled, at most
  /// For how long after its arrival a message's lock is renewed while its outcome is not known; 0: not at all. Then
  /// the broker delivers it again.
  std::chrono::seconds lock_renewal{300};
  std::string reject_reason = "rejected";  ///< the dead letter's DeadLetterReason
  /// Whether each message carries its number, by which a deferred one is asked for.
  SequenceNumbers sequence_numbers = SequenceNumbers::left_out;
  /// For an entity that requires sessions: how many of them are held at once, each with its part of unsettled_max;
  /// 0: the entity has none.
  std::size_t sessions_max = 0;
  std::string session = {};  ///< only this one; empty: whichever is free
  /// A session that has been without a message for so long is given back, and the next one taken.
  std::chrono::milliseconds session_idle{5'000};
};

/// Source of a queue or a subscription, by peek-lock. `done` completes a message, `retry` abandons it (the broker
/// delivers it again at once and, after its maximum of deliveries, buries it), `reject` makes it a dead letter,
/// `defer` sets it aside: the broker delivers it no more, and gives it out to who asks for it by its number
/// (ServiceBusEntity::take_deferred).
/// Each is settled only when the broker has agreed, so that a lost lock is seen.
///
/// Attempt: 1 + the deliveries that the broker counts as failed.
/// Order:   the queue's, with one consumer; with sessions each session's, whoever else consumes; as long as nothing
///          is retried.
/// Sessions: a message's key is its session. Each is locked by one consumer at a time, and the lock renewed while
///          it is held.
/// Locks:   renewed at half of their time. The broker's clock and this machine's must agree better than that.
/// Stop:    what is unsettled then is abandoned, so that others get it at once. After a crash they get it when its
///          lock has run out.
class ServiceBusSource final : public GatedSource {
 public:
  explicit ServiceBusSource(ServiceBusSourceOptions options);
  /// Messages whose outcome the broker refused, because their lock had run out: it has delivered them again.
  /// @thread any
  [[nodiscard]] std::uint64_t locks_lost() const;

 private:
  class Consumer;
};

}  // namespace headrace::servicebus
