#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "headrace/base/result.hpp"
#include "headrace/event/base64.hpp"
#include "headrace/event/event_id.hpp"
#include "headrace/event/event_traits.hpp"
#include "headrace/event/field_kinds.hpp"
#include "headrace/event/field_value.hpp"

namespace headrace {

/// A described event as a tree of fields, and back. What a member may be, and as what it travels:
///
/// | member                                        | field                                                    |
/// |-----------------------------------------------|----------------------------------------------------------|
/// | bool, integers, float, double                 | the same; integers and float with a range check          |
/// | enum                                          | its number                                               |
/// | std::chrono durations and time points         | the count of their unit                                  |
/// | std::string, EventId                          | text                                                     |
/// | std::array<char, N>                           | text, up to the first NUL                                |
/// | std::vector<std::byte>                        | bytes; Base64 text is read as well                       |
/// | std::optional                                 | left out when empty; nothing and absent read as empty    |
/// | std::array, sequences, sets                   | a list; an array's must have its size                    |
/// | maps with keys of text, integers, enums       | a record                                                 |
/// | a described type                              | a record                                                 |
///
/// Reading ignores unknown fields. Missing fields and wrong types are errors whose `where` is the path, as in
/// `orders.placed: lines[2].price`.
template <DescribedEvent T>
[[nodiscard]] FieldValue to_fields(const T& event);
template <DescribedEvent T>
[[nodiscard]] Result<T> from_fields(const FieldValue& fields);

namespace event_detail {

/// What did not fit, and where: the path grows from its end while the reader returns.
struct FieldFault {
  std::string path;
  std::string what;

  bool is(const FieldValue& found, std::string_view wanted) {
    what = "is " + std::string(found.kind()) + ", must be " + std::string(wanted);
    return false;
  }
  bool inside(std::string_view name) {
    path = std::string(name) + (path.empty() || path.front() == '[' ? "" : ".") + path;
    return false;
  }
  bool inside(std::size_t index) { return inside("[" + std::to_string(index) + "]"); }
};

template <class Key>
bool read_key(std::string_view text, Key& key) {
  if constexpr (std::is_enum_v<Key>) {
    std::underlying_type_t<Key> number{};
    if (!read_key(text, number)) return false;
    key = static_cast<Key>(number);
    return true;
  } else if constexpr (std::integral<Key>) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), key);
    return error == std::errc{} && end == text.data() + text.size();
  } else {
    key = Key(text);
    return true;
  }
}

template <class T>
FieldValue write_field(const T& value) {
  constexpr FieldKind kind = field_kind<T>();
  if constexpr (kind == FieldKind::boolean || kind == FieldKind::integer) {
    return value;
  } else if constexpr (kind == FieldKind::enumeration) {
    return static_cast<std::underlying_type_t<T>>(value);
  } else if constexpr (kind == FieldKind::floating) {
    return static_cast<double>(value);
  } else if constexpr (kind == FieldKind::duration) {
    return value.count();
  } else if constexpr (kind == FieldKind::time_point) {
    return value.time_since_epoch().count();
  } else if constexpr (kind == FieldKind::text || kind == FieldKind::bytes) {
    return value;
  } else if constexpr (kind == FieldKind::id) {
    return value.to_string();
  } else if constexpr (kind == FieldKind::fixed_text) {
    const std::string_view all(value.data(), value.size());
    return all.substr(0, all.find('\0'));
  } else if constexpr (kind == FieldKind::optional) {
    return value ? write_field(*value) : FieldValue();
  } else if constexpr (kind == FieldKind::map) {
    FieldValue::Record record;
    for (const auto& [key, mapped] : value) record.push_back({key_text(key), write_field(mapped)});
    return record;
  } else if constexpr (kind == FieldKind::described) {
    return to_fields(value);
  } else {
    FieldValue::List list;
    for (const auto& item : value) list.push_back(write_field<typename T::value_type>(item));
    return list;
  }
}

template <class T>
bool read_field(const FieldValue& from, T& to, FieldFault& fault);

template <std::integral T>
bool read_integer(const FieldValue& from, T& to, FieldFault& fault) {
  if (const auto value = from.integer<T>()) {
    to = *value;
    return true;
  }
  const auto range = "an integer of " + std::to_string(std::numeric_limits<T>::min()) + " to " +
                     std::to_string(std::numeric_limits<T>::max());
  if (!from.is_integer()) return fault.is(from, range);
  fault.what = "is out of range, must be " + range;
  return false;
}

template <std::floating_point T>
bool read_floating(const FieldValue& from, T& to, FieldFault& fault) {
  double value = 0;
  if (const auto* number = from.as<double>()) {
    value = *number;
  } else if (const auto* integer = from.as<std::int64_t>()) {
    value = static_cast<double>(*integer);
  } else if (const auto* large = from.as<std::uint64_t>()) {
    value = static_cast<double>(*large);
  } else {
    return fault.is(from, "a number");
  }
  if (std::isfinite(value) && std::abs(value) > static_cast<double>(std::numeric_limits<T>::max())) {
    fault.what = "is out of range of a float";
    return false;
  }
  to = static_cast<T>(value);
  return true;
}

template <class T>
bool read_fixed_text(const FieldValue& from, T& to, FieldFault& fault) {
  const auto* text = from.as<std::string>();
  if (text == nullptr) return fault.is(from, "text");
  if (text->size() > to.size()) {
    fault.what = "has " + std::to_string(text->size()) + " bytes, " + std::to_string(to.size()) + " is the most";
    return false;
  }
  to.fill('\0');
  text->copy(to.data(), text->size());
  return true;
}

template <class T>
bool read_bytes(const FieldValue& from, T& to, FieldFault& fault) {
  if (const auto* bytes = from.as<FieldValue::Bytes>()) {
    to = *bytes;
    return true;
  }
  const auto* text = from.as<std::string>();
  auto decoded = text == nullptr ? std::nullopt : from_base64(*text);
  if (!decoded) return fault.is(from, "bytes, or Base64");
  to = std::move(*decoded);
  return true;
}

template <class T>
bool read_map(const FieldValue& from, T& to, FieldFault& fault) {
  const auto* record = from.as<FieldValue::Record>();
  if (record == nullptr) return fault.is(from, "a record");
  for (const NamedField& field : *record) {
    typename T::key_type key{};
    typename T::mapped_type mapped{};
    if (!read_key(field.name, key)) {
      fault.what = "the name is no integer of that type";
      return fault.inside(field.name);
    }
    if (!read_field(field.value, mapped, fault)) return fault.inside(field.name);
    to.emplace(std::move(key), std::move(mapped));
  }
  return true;
}

template <class T>
bool read_list(const FieldValue& from, T& to, FieldFault& fault) {
  const auto* list = from.as<FieldValue::List>();
  if (list == nullptr) return fault.is(from, "a list");
  if constexpr (field_kind<T>() == FieldKind::array) {
    if (list->size() != to.size()) {
      fault.what = "has " + std::to_string(list->size()) + " items, must have " + std::to_string(to.size());
      return false;
    }
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    typename T::value_type item{};
    if (!read_field((*list)[i], item, fault)) return fault.inside(i);
    if constexpr (field_kind<T>() == FieldKind::array) {
      to[i] = std::move(item);
    } else {
      to.insert(to.end(), std::move(item));
    }
  }
  return true;
}

template <class T, class Value>
bool read_member(const FieldValue& record, T& to, const EventField<T, Value>& field, FieldFault& fault) {
  if (const FieldValue* found = record.find(field.name)) {
    return read_field(*found, to.*(field.member), fault) || fault.inside(field.name);
  }
  if (field_kind<Value>() == FieldKind::optional) return true;
  fault.what = "is missing";
  return fault.inside(field.name);
}

template <class T>
bool read_described(const FieldValue& from, T& to, FieldFault& fault) {
  if (from.as<FieldValue::Record>() == nullptr) return fault.is(from, "a record");
  return std::apply([&](const auto&... field) { return (read_member(from, to, field, fault) && ...); },
                    kEventDescription<T>.fields);
}

template <class T>
bool read_field(const FieldValue& from, T& to, FieldFault& fault) {
  constexpr FieldKind kind = field_kind<T>();
  if constexpr (kind == FieldKind::boolean || kind == FieldKind::text) {
    const auto* value = from.as<T>();
    if (value == nullptr) return fault.is(from, kind == FieldKind::text ? "text" : "a boolean");
    to = *value;
    return true;
  } else if constexpr (kind == FieldKind::integer) {
    return read_integer(from, to, fault);
  } else if constexpr (kind == FieldKind::enumeration) {
    std::underlying_type_t<T> number{};
    if (!read_field(from, number, fault)) return false;
    to = static_cast<T>(number);
    return true;
  } else if constexpr (kind == FieldKind::floating) {
    return read_floating(from, to, fault);
  } else if constexpr (kind == FieldKind::duration) {
    typename T::rep count{};
    if (!read_field(from, count, fault)) return false;
    to = T(count);
    return true;
  } else if constexpr (kind == FieldKind::time_point) {
    typename T::duration since{};
    if (!read_field(from, since, fault)) return false;
    to = T(since);
    return true;
  } else if constexpr (kind == FieldKind::id) {
    const auto* text = from.as<std::string>();
    const auto id = text == nullptr ? std::nullopt : EventId::parse(*text);
    if (!id) return fault.is(from, "the text of a UUID");
    to = *id;
    return true;
  } else if constexpr (kind == FieldKind::fixed_text) {
    return read_fixed_text(from, to, fault);
  } else if constexpr (kind == FieldKind::bytes) {
    return read_bytes(from, to, fault);
  } else if constexpr (kind == FieldKind::optional) {
    to.reset();
    return from.is_nothing() || read_field(from, to.emplace(), fault);
  } else if constexpr (kind == FieldKind::map) {
    return read_map(from, to, fault);
  } else if constexpr (kind == FieldKind::described) {
    return read_described(from, to, fault);
  } else {
    return read_list(from, to, fault);
  }
}

}  // namespace event_detail

template <DescribedEvent T>
FieldValue to_fields(const T& event) {
  FieldValue::Record record;
  const auto add = [&]<class Value>(const EventField<T, Value>& field) {
    FieldValue value = event_detail::write_field(event.*(field.member));
    if (event_detail::field_kind<Value>() == event_detail::FieldKind::optional && value.is_nothing()) return;
    record.push_back({std::string(field.name), std::move(value)});
  };
  std::apply([&](const auto&... field) { (add(field), ...); }, kEventDescription<T>.fields);
  return record;
}

template <DescribedEvent T>
Result<T> from_fields(const FieldValue& fields) {
  static_assert(std::is_default_constructible_v<T>, "what is decoded is filled in field by field");
  T event{};
  event_detail::FieldFault fault;
  if (event_detail::read_described(fields, event, fault)) return event;
  const std::string topic(event_topic<T>());
  return Error{std::move(fault.what), fault.path.empty() ? topic : topic + ": " + fault.path};
}

}  // namespace headrace
