#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "headrace/port/settle.hpp"
#include "proton.hpp"

namespace headrace::servicebus {

// Requests to an entity's $management node about messages that were deferred, and the answers.

/// A deferred message, locked for who asked.
struct LockedMessage {
  pn_uuid_t token{};
  std::string bytes;
};

[[nodiscard]] MessagePtr deferred_request(std::span<const std::int64_t> numbers);
[[nodiscard]] std::vector<LockedMessage> locked_messages_of(pn_message_t* answer);
[[nodiscard]] MessagePtr disposition_request(const pn_uuid_t& token, Settlement settlement);

}  // namespace headrace::servicebus
