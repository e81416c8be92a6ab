#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/port/event_store.hpp"

/// Small events for tests of stores, and short ways to write and read them.
namespace headrace::test {

inline std::vector<std::byte> bytes_of(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  std::transform(text.begin(), text.end(), bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

inline std::string text_of(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline EncodedEvent event_of(std::string topic, std::string_view body, std::vector<std::string> tags = {}) {
  EncodedEvent event;
  event.envelope.id = EventId::make();
  event.envelope.topic = std::move(topic);
  event.envelope.tags = std::move(tags);
  event.content_type = "text/plain";
  event.body = bytes_of(body);
  return event;
}

inline std::vector<StoredEvent> read_stream(EventStore& store, const StreamRead& read) {
  std::vector<StoredEvent> events;
  const auto end = store.read_stream(read, [&](StoredEvent& event) {
    events.push_back(event);
    return Visit::more;
  });
  HEADRACE_CHECK("test.read", end.has_value() && end->events == events.size(), "a read of a stream failed");
  return events;
}

inline std::vector<StoredEvent> read_all(EventStore& store, const GlobalRead& read = {}) {
  std::vector<StoredEvent> events;
  const auto end = store.read_all(read, [&](StoredEvent& event) {
    events.push_back(event);
    return Visit::more;
  });
  HEADRACE_CHECK("test.read", end.has_value() && end->events == events.size(), "a read of all failed");
  return events;
}

inline std::vector<std::string> bodies(const std::vector<StoredEvent>& events) {
  std::vector<std::string> texts;
  for (const StoredEvent& event : events) texts.push_back(text_of(event.event.body));
  return texts;
}

using Bodies = std::vector<std::string>;

}  // namespace headrace::test
