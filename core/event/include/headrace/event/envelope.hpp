#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "headrace/event/event_id.hpp"

namespace headrace {

/// Wall-clock time of a fact, in whole nanoseconds since 1970 (UTC).
using EventTime = std::chrono::sys_time<std::chrono::nanoseconds>;

/// What is known about an event beside its content. Fields that nobody gave are empty.
struct Envelope {
  EventId id;
  std::string topic;
  std::string key;            ///< as text: what the event is about; decides its shard and order
  std::uint32_t version = 1;  ///< of the topic's schema
  EventTime time{};           ///< when it happened; zero: unknown
  EventId correlation;        ///< the first event of the business transaction that this one belongs to
  EventId causation;          ///< the event whose handler published this one
  std::vector<std::string> tags;
  std::vector<std::pair<std::string, std::string>> headers;  ///< in the order given; names may repeat

  friend bool operator==(const Envelope&, const Envelope&) = default;
};

/// An event as it leaves memory: its envelope, and its content encoded.
struct EncodedEvent {
  Envelope envelope;
  std::string content_type;  ///< a media type: application/json, application/cbor, …
  std::vector<std::byte> body;

  friend bool operator==(const EncodedEvent&, const EncodedEvent&) = default;
};

}  // namespace headrace
