#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "headrace/event/envelope.hpp"

namespace headrace::wire {

/// `2018-04-05T17:31:00.25Z`, as short as the time allows; years 1678 to 2261, which nanoseconds can hold.
[[nodiscard]] std::string to_rfc3339(EventTime time);
/// With `Z` or an offset; digits beyond nanoseconds are cut off. A leap second reads as the second after it.
[[nodiscard]] std::optional<EventTime> from_rfc3339(std::string_view text);

}  // namespace headrace::wire
