#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "headrace/base/hash.hpp"

namespace headrace {

/// Names one event for good, in memory, in stores and on the wire: a UUID of version 7 (RFC 9562), so that ids
/// made later sort after ids made earlier, to the millisecond. All zero means none.
struct EventId {
  std::uint64_t high = 0;  ///< the first eight bytes, big-endian: time, version, random
  std::uint64_t low = 0;

  [[nodiscard]] constexpr bool is_none() const noexcept { return high == 0 && low == 0; }
  [[nodiscard]] explicit constexpr operator bool() const noexcept { return !is_none(); }
  friend constexpr auto operator<=>(const EventId&, const EventId&) = default;

  /// A new id of the present time, unlike every other. Ids of one thread ascend. @thread any  @alloc none
  [[nodiscard]] static EventId make() noexcept;
  /// Made of the time and the random bits given, for runs that must repeat themselves.
  [[nodiscard]] static constexpr EventId of(std::uint64_t unix_ms, std::uint64_t random_high,
                                            std::uint64_t random_low) noexcept {
    return {unix_ms << 16 | 0x7000 | (random_high & 0x0fff), 0x8000'0000'0000'0000 | (random_low >> 2)};
  }
  /// The usual text of a UUID, in any case; nothing else is taken.
  [[nodiscard]] static std::optional<EventId> parse(std::string_view text) noexcept;
  [[nodiscard]] std::string to_string() const;

  [[nodiscard]] constexpr std::uint64_t unix_ms() const noexcept { return high >> 16; }
};

[[nodiscard]] inline std::uint64_t hash_key(const EventId& id) noexcept { return mix64(id.high ^ mix64(id.low)); }

}  // namespace headrace
