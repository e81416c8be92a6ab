#pragma once

#include <string_view>

#include "headrace/base/result.hpp"
#include "headrace/port/event_query.hpp"

namespace headrace {

/// A subscription's pattern, as stores take it: `orders.#`, `site/+/temp` (core/route has the syntax).
/// The error says what is wrong with the pattern, and where.
[[nodiscard]] Result<TopicFilter> topic_filter(std::string_view pattern);

}  // namespace headrace
