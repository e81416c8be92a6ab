#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "headrace/base/hash.hpp"
#include "headrace/event/event_id.hpp"

namespace headrace {

inline constexpr std::size_t kUuidChars = 36;
inline constexpr std::size_t kHashChars = 16;

/// UUID-HASH: the same for the same event and bytes. A later version may hash otherwise: then there is another copy.
[[nodiscard]] inline std::string blob_name(const EventId& id, std::span<const std::byte> payload) {
  constexpr char kHex[] = "0123456789abcdef";
  const std::uint64_t hash =
      hash_bytes({reinterpret_cast<const char*>(payload.data()), payload.size()}) ^ mix64(payload.size());
  std::string name = id.to_string() + '-';
  for (unsigned shift = 64; shift > 0; shift -= 4) name += kHex[hash >> (shift - 4) & 15];
  return name;
}

/// A name as it is written: UUID, or UUID-HASH. Nothing: it is neither.
[[nodiscard]] inline std::optional<std::string> parse_blob_name(std::string_view name) {
  const auto id = EventId::parse(name.substr(0, kUuidChars));
  if (!id) return std::nullopt;
  const std::string_view rest = name.substr(std::min(name.size(), kUuidChars));
  if (rest.empty()) return id->to_string();
  const bool is_hash = rest.size() == 1 + kHashChars && rest.front() == '-' &&
                       rest.find_first_not_of("0123456789abcdef", 1) == std::string_view::npos;
  return is_hash ? std::optional(id->to_string() + std::string(rest)) : std::nullopt;
}

}  // namespace headrace
