#pragma once

#include <chrono>
#include <string_view>

#include "headrace/port/message.hpp"

namespace headrace::servicebus {

// Headers that a sink turns into Service Bus's own properties. A message has each of them once.

/// The message-id, 1 to 128 bytes: an entity with duplicate detection drops a second message with it. Without the
/// header a sink makes ids of its own, which stay the same when it sends a message again.
inline constexpr std::string_view kMessageIdHeader = "servicebus-message-id";
/// When the message is to appear in the queue, in milliseconds since 1970 (UTC).
inline constexpr std::string_view kEnqueueTimeHeader = "servicebus-enqueue-time";

/// The number that the broker gave a message, in decimal, where the source is told to say it. A sink leaves it out.
inline constexpr std::string_view kSequenceNumberHeader = "servicebus-sequence-number";

/// Sets the header that schedules `message`.
void schedule(Message& message, std::chrono::system_clock::time_point when);

}  // namespace headrace::servicebus
