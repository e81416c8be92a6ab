#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "headrace/base/result.hpp"

namespace headrace {

/// A topic name is a list of levels in UTF-8: `site/7/dev/42/temp`, `orders.placed`.
/// `/` and `.` both separate levels, and one name uses one of them: where a `/` occurs it separates, and a `.` is
/// an ordinary byte (`site/7/host.example.org`); elsewhere `.` separates. The separator is spelling: filters see
/// the levels only, so that `orders/placed` and `orders.placed` are one topic to every filter.

inline constexpr std::size_t kTopicBytesMax = 1024;

/// Refuses what no publisher may name: nothing, more than kTopicBytesMax bytes, malformed UTF-8, NUL, an empty level,
/// `+` or `#` anywhere, and `*` where levels are separated by `.` (MQTT names may hold one). The error says which,
/// and the offset of the byte.
[[nodiscard]] Status check_topic_name(std::string_view name);

/// What separates the levels of this name or filter.
[[nodiscard]] inline char level_separator(std::string_view text) noexcept {
  return text.find('/') != std::string_view::npos ? '/' : '.';
}

[[nodiscard]] std::vector<std::string_view> split_levels(std::string_view text);

}  // namespace headrace
