#pragma once

#include <string_view>

#include "headrace/event/event_id.hpp"

namespace headrace::wire {

/// The id that an event of another program has here, the same in every process: what its sender called it, where that is a
/// UUID, otherwise a UUID of version 5 (RFC 9562) made of both texts. None for an empty id.
///
/// @param source  within which the sender's ids are unique
///
/// Collisions: 122 bits of SHA-1. Among 10^12 such ids two are the same with a chance of 1 in 10^13. Nothing here relies on
///             SHA-1 against an attacker: who can send may as well repeat an id.
[[nodiscard]] EventId foreign_event_id(std::string_view source, std::string_view id);

}  // namespace headrace::wire
