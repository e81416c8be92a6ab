#include "headrace/port/append_request.hpp"

#include <algorithm>
#include <string_view>

namespace headrace {
namespace {

/// Empty when the text may be a name or a tag.
std::string fault_of(std::string_view kind, std::string_view text, std::size_t bytes_max) {
  if (text.empty()) return std::string{kind} + " is empty";
  if (text.size() > bytes_max) {
    return std::string{kind} + " has " + std::to_string(text.size()) + " bytes, at most " +
           std::to_string(bytes_max) + " are taken";
  }
  if (text.find('\0') != std::string_view::npos) return std::string{kind} + " holds a NUL";
  return {};
}

std::string fault_of(const EncodedEvent& event) {
  const Envelope& envelope = event.envelope;
  if (auto fault = fault_of("the topic", envelope.topic, kStreamNameBytesMax); !fault.empty()) return fault;
  if (envelope.tags.size() > kTagsMax) {
    return std::to_string(envelope.tags.size()) + " tags, at most " + std::to_string(kTagsMax) + " are taken";
  }
  for (const std::string& tag : envelope.tags) {
    if (auto fault = fault_of("a tag", tag, kTagBytesMax); !fault.empty()) return fault;
  }
  if (event.body.size() > kEventBytesMax) {
    return "the body has " + std::to_string(event.body.size()) + " bytes, at most " +
           std::to_string(kEventBytesMax) + " are taken";
  }
  return {};
}

std::string fault_of(const AppendCondition& condition) {
  const auto& items = condition.unless.any_of;
  if (items.size() > kConditionItemsMax) {
    return std::to_string(items.size()) + " items, at most " + std::to_string(kConditionItemsMax) + " are taken";
  }
  for (const EventQuery::Item& item : items) {
    if (item.tags.size() > kTagsMax) {
      return "an item of " + std::to_string(item.tags.size()) + " tags, at most " + std::to_string(kTagsMax) +
             " are taken";
    }
  }
  return {};
}

template <class T>
bool holds_twice(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  return std::adjacent_find(values.begin(), values.end()) != values.end();
}

}  // namespace

Status check_append(const AppendRequest& request) {
  std::size_t events = 0;
  for (const StreamAppend& append : request.streams) {
    const auto refuse = [&](std::string fault) { return Error{std::move(fault), "append to " + append.stream}; };
    if (auto fault = fault_of("the stream's name", append.stream, kStreamNameBytesMax); !fault.empty()) {
      return refuse(std::move(fault));
    }
    for (const EncodedEvent& event : append.events) {
      if (auto fault = fault_of(event); !fault.empty()) return refuse(std::move(fault));
    }
    events += append.events.size();
  }
  if (events == 0) return Error{"a request without events", "append"};
  for (std::size_t at = 0; at < request.conditions.size(); ++at) {
    if (auto fault = fault_of(request.conditions[at]); !fault.empty()) {
      return Error{std::move(fault), "append, condition " + std::to_string(at)};
    }
  }
  if (request.streams.size() > 1) {
    std::vector<std::string_view> names;
    for (const StreamAppend& append : request.streams) names.push_back(append.stream);
    if (holds_twice(names)) return Error{"a request names one stream twice", "append"};
  }
  if (events > 1) {
    std::vector<EventId> ids;
    for (const StreamAppend& append : request.streams) {
      for (const EncodedEvent& event : append.events) {
        if (event.envelope.id) ids.push_back(event.envelope.id);
      }
    }
    if (holds_twice(ids)) return Error{"a request holds one event id twice", "append"};
  }
  return Nothing{};
}

}  // namespace headrace
