#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/event/envelope.hpp"
#include "headrace/wire/codec_limits.hpp"

namespace headrace::wire {

/// The specification's own view: named texts and data.
struct CloudEvent {
  std::vector<std::pair<std::string, std::string>> attributes;
  std::vector<std::byte> data;

  [[nodiscard]] const std::string* find(std::string_view name) const noexcept {
    for (const auto& [known, value] : attributes) {
      if (known == name) return &value;
    }
    return nullptr;
  }
  void set(std::string_view name, std::string value) { attributes.emplace_back(name, std::move(value)); }
};

/// ASCII's letters.
[[nodiscard]] std::string lower(std::string_view text);
[[nodiscard]] std::vector<std::byte> bytes_of(std::string_view text);

/// Lower-case letters and digits.
[[nodiscard]] bool is_attribute_name(std::string_view name) noexcept;

[[nodiscard]] Result<CloudEvent> to_cloud_event(const EncodedEvent& event, std::string_view source,
                                                const CodecLimits& limits);
/// Checks the attributes: required ones, each once, their texts.
[[nodiscard]] Result<EncodedEvent> from_cloud_event(CloudEvent event, std::string_view own_source,
                                                    const CodecLimits& limits);

/// Structured mode. append writes one JSON object.
[[nodiscard]] bool is_json(std::string_view content_type) noexcept;
void append_structured(std::string& out, const CloudEvent& event, const CodecLimits& limits);
[[nodiscard]] Result<std::vector<CloudEvent>> parse_structured(std::span<const std::byte> body, bool batch,
                                                               const CodecLimits& limits);

}  // namespace headrace::wire
