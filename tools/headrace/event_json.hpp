#pragma once

#include <string>
#include <string_view>

#include "headrace/base/result.hpp"
#include "headrace/port/event_store.hpp"

namespace headrace::program {

/// A stored event as one line of JSON. The body is JSON where the content type says so, a string where it is text,
/// and "body_base64" otherwise.
[[nodiscard]] std::string to_json_line(const StoredEvent& event);

/// A line as to_json_line() writes it. Only "topic" is needed; what the store gives (position, version, stored) is
/// left aside, and unknown names are mistakes. "stream" may be missing.
struct EventLine {
  std::string stream;
  EncodedEvent event;
};
[[nodiscard]] Result<EventLine> event_from_json(std::string_view line);

/// UTC to the nanosecond, without zeros at the end: 2026-11-25T23:51:15.25Z.
[[nodiscard]] std::string time_text(EventTime time);

/// The body for people: text as it is, other bytes as their number.
[[nodiscard]] std::string body_text(const EncodedEvent& event);

}  // namespace headrace::program
