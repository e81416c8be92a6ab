#include "stream_entry.hpp"

#include <span>

namespace headrace::redis {
namespace {

constexpr std::string_view kHeader = "header:";

}  // namespace

void append_fields(const Message& message, std::vector<std::string>& names, std::vector<std::string_view>& words) {
  names.clear();
  names.reserve(message.headers.size());
  const std::string_view body(reinterpret_cast<const char*>(message.body.data()), message.body.size());
  words.insert(words.end(), {"body", body, "topic", message.topic});
  if (!message.key.empty()) words.insert(words.end(), {"key", message.key});
  if (!message.content_type.empty()) words.insert(words.end(), {"content_type", message.content_type});
  for (const auto& [name, value] : message.headers) {
    words.insert(words.end(), {names.emplace_back(std::string(kHeader) + name), value});
  }
}

void append_again_mark(std::vector<std::string_view>& words) {
  static const std::string kField = std::string(kHeader) + std::string(kAgainHeader);
  words.insert(words.end(), {kField, "true"});
}

Message to_message(const redisReply& fields, std::string_view stream) {
  Message message;
  message.topic = stream;
  bool ours = false;
  for (std::size_t i = 0; i + 1 < fields.elements; i += 2) ours |= text_of(*fields.element[i]) == "body";
  for (std::size_t i = 0; i + 1 < fields.elements; i += 2) {
    const std::string_view name = text_of(*fields.element[i]);
    const std::string_view value = text_of(*fields.element[i + 1]);
    if (!ours) {
      message.headers.emplace_back(name, value);
    } else if (name == "body") {
      const auto bytes = std::as_bytes(std::span(value));
      message.body.assign(bytes.begin(), bytes.end());
    } else if (name == "topic") {
      message.topic = value;
    } else if (name == "key") {
      message.key = value;
    } else if (name == "content_type") {
      message.content_type = value;
    } else if (name.starts_with(kHeader)) {
      message.headers.emplace_back(name.substr(kHeader.size()), value);
    } else {
      message.headers.emplace_back(name, value);
    }
  }
  return message;
}

}  // namespace headrace::redis
