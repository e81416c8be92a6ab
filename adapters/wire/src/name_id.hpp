#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "headrace/event/event_id.hpp"

namespace headrace::wire {

/// SHA-1 (FIPS 180-4): for ids by name only, nothing here relies on it against an attacker.
[[nodiscard]] std::array<std::uint32_t, 5> sha1(std::string_view text);

/// The UUID of version 5 (RFC 9562) that an event from elsewhere has here: the same for the same source and id.
[[nodiscard]] EventId name_id(std::string_view source, std::string_view id);

}  // namespace headrace::wire
