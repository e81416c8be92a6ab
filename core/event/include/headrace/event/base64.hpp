#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace headrace {

/// RFC 4648, the usual alphabet, padded.
[[nodiscard]] std::string to_base64(std::span<const std::byte> bytes);
/// Takes exactly what to_base64 writes: padded, nothing between, no stray bits at the end.
[[nodiscard]] std::optional<std::vector<std::byte>> from_base64(std::string_view text);

}  // namespace headrace
