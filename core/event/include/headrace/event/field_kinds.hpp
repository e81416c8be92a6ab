#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "headrace/event/event_id.hpp"
#include "headrace/event/event_traits.hpp"

namespace headrace::event_detail {

/// What a described member is to codecs and schemas. event_fields.hpp has the table.
enum class FieldKind : std::uint8_t {
  boolean,
  integer,
  enumeration,
  floating,
  duration,
  time_point,
  text,
  fixed_text,
  id,
  bytes,
  optional,
  array,
  sequence,
  map,
  described,
};

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsArray = false;
template <class T, std::size_t N>
inline constexpr bool kIsArray<std::array<T, N>> = true;
template <class T>
inline constexpr bool kIsFixedText = false;
template <std::size_t N>
inline constexpr bool kIsFixedText<std::array<char, N>> = true;
template <class T>
inline constexpr bool kIsDuration = false;
template <std::integral Rep, class Period>
inline constexpr bool kIsDuration<std::chrono::duration<Rep, Period>> = true;
template <class T>
inline constexpr bool kIsTimePoint = false;
template <class Clock, class Duration>
inline constexpr bool kIsTimePoint<std::chrono::time_point<Clock, Duration>> = kIsDuration<Duration>;

template <class T>
concept TextKey = std::integral<T> || std::is_enum_v<T> || std::convertible_to<const T&, std::string_view>;
template <class T>
concept MapLike = requires {
  typename T::mapped_type;
}
&&TextKey<typename T::key_type>;
template <class T>
concept SequenceLike = requires(T to, typename T::value_type item) {
  to.insert(to.end(), std::move(item));
};

template <class T>
constexpr FieldKind field_kind() {
  if constexpr (std::same_as<T, bool>) {
    return FieldKind::boolean;
  } else if constexpr (std::integral<T>) {
    return FieldKind::integer;
  } else if constexpr (std::is_enum_v<T>) {
    return FieldKind::enumeration;
  } else if constexpr (std::floating_point<T>) {
    return FieldKind::floating;
  } else if constexpr (kIsDuration<T>) {
    return FieldKind::duration;
  } else if constexpr (kIsTimePoint<T>) {
    return FieldKind::time_point;
  } else if constexpr (std::same_as<T, std::string>) {
    return FieldKind::text;
  } else if constexpr (kIsFixedText<T>) {
    return FieldKind::fixed_text;
  } else if constexpr (std::same_as<T, EventId>) {
    return FieldKind::id;
  } else if constexpr (std::same_as<T, std::vector<std::byte>>) {
    return FieldKind::bytes;
  } else if constexpr (kIsOptional<T>) {
    return FieldKind::optional;
  } else if constexpr (kIsArray<T>) {
    return FieldKind::array;
  } else if constexpr (DescribedEvent<T>) {
    return FieldKind::described;
  } else if constexpr (MapLike<T>) {
    return FieldKind::map;
  } else {
    static_assert(SequenceLike<T>,
                  "a described member of this type cannot be encoded: event_fields.hpp says which can");
    return FieldKind::sequence;
  }
}

}  // namespace headrace::event_detail
