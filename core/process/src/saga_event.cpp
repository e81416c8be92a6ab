#include "saga_event.hpp"

#include <charconv>

namespace headrace::saga_event {

std::string topic_of(const Saga& saga, std::string_view what) {
  return "saga." + saga.name + "." + std::string{what};
}

std::string_view what_of(const Saga& saga, std::string_view topic) {
  const std::string prefix = topic_of(saga, {});
  return topic.starts_with(prefix) ? topic.substr(prefix.size()) : std::string_view{};
}

std::string tag_of(const Saga& saga) { return "saga:" + saga.name + ":" + std::to_string(saga.version); }

std::string_view header(const Envelope& envelope, std::string_view name) {
  for (const auto& [known, value] : envelope.headers) {
    if (known == name) return value;
  }
  return {};
}

std::optional<std::int64_t> number(const Envelope& envelope, std::string_view name) {
  const std::string_view text = header(envelope, name);
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace headrace::saga_event
