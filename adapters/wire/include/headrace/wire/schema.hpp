#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "headrace/event/event_fields.hpp"
#include "headrace/event/field_kinds.hpp"
#include "headrace/event/field_value.hpp"

namespace headrace::wire {

/// Names a version of an event type on the wire: `urn:headrace:schema:orders.placed:3`. Other bytes than letters,
/// digits, `-._~/` are percent-encoded.
[[nodiscard]] std::string schema_id(std::string_view topic, std::uint32_t version);
template <DescribedEvent T>
[[nodiscard]] std::string schema_id() {
  return schema_id(event_topic<T>(), event_version<T>());
}
/// The version that such an id names, if it is one of this topic.
[[nodiscard]] std::optional<std::uint32_t> schema_version(std::string_view id, std::string_view topic);

/// The JSON Schema (draft 2020-12) of what JsonCodec writes for the type. Described members stand under `$defs`.
template <DescribedEvent T>
[[nodiscard]] std::string json_schema();

namespace schema_detail {

[[nodiscard]] FieldValue type(std::string_view name);
[[nodiscard]] FieldValue with(FieldValue schema, std::string_view name, FieldValue value);
[[nodiscard]] FieldValue any_of(FieldValue first, FieldValue second);
[[nodiscard]] std::string reference(std::string_view topic);
[[nodiscard]] std::string finish(std::string id, std::string_view root, FieldValue defs);

class Builder {
 public:
  template <class T>
  FieldValue of() {
    using event_detail::FieldKind;
    constexpr FieldKind kind = event_detail::field_kind<T>();
    if constexpr (kind == FieldKind::boolean) {
      return type("boolean");
    } else if constexpr (kind == FieldKind::integer) {
      return with(with(type("integer"), "minimum", std::numeric_limits<T>::min()), "maximum",
                  std::numeric_limits<T>::max());
    } else if constexpr (kind == FieldKind::enumeration) {
      return of<std::underlying_type_t<T>>();
    } else if constexpr (kind == FieldKind::duration) {
      return of<typename T::rep>();
    } else if constexpr (kind == FieldKind::time_point) {
      return of<typename T::duration>();
    } else if constexpr (kind == FieldKind::floating) {
      return type("number");
    } else if constexpr (kind == FieldKind::text) {
      return type("string");
    } else if constexpr (kind == FieldKind::fixed_text) {
      return with(type("string"), "maxLength", std::tuple_size_v<T>);
    } else if constexpr (kind == FieldKind::id) {
      return with(type("string"), "format", "uuid");
    } else if constexpr (kind == FieldKind::bytes) {
      return with(type("string"), "contentEncoding", "base64");
    } else if constexpr (kind == FieldKind::optional) {
      return any_of(of<typename T::value_type>(), type("null"));
    } else if constexpr (kind == FieldKind::map) {
      return with(type("object"), "additionalProperties", of<typename T::mapped_type>());
    } else if constexpr (kind == FieldKind::described) {
      describe<T>();
      return with({}, "$ref", reference(event_topic<T>()));
    } else if constexpr (kind == FieldKind::array) {
      return with(with(list<T>(), "minItems", std::tuple_size_v<T>), "maxItems", std::tuple_size_v<T>);
    } else {
      return list<T>();
    }
  }
  template <class T>
  void describe() {
    if (defs_.find(event_topic<T>()) != nullptr) return;
    defs_.set(event_topic<T>(), {});  // holds the place: a type may hold itself
    FieldValue properties = FieldValue::Record{};
    FieldValue::List required;
    const auto add = [&]<class Value>(const EventField<T, Value>& field) {
      properties.set(field.name, of<Value>());
      if (event_detail::field_kind<Value>() != event_detail::FieldKind::optional)
        required.emplace_back(field.name);
    };
    std::apply([&](const auto&... field) { (add(field), ...); }, kEventDescription<T>.fields);
    FieldValue schema = with(type("object"), "properties", std::move(properties));
    defs_.set(event_topic<T>(), with(std::move(schema), "required", std::move(required)));
  }
  [[nodiscard]] FieldValue take_defs() { return std::move(defs_); }

 private:
  template <class T>
  FieldValue list() {
    return with(type("array"), "items", of<typename T::value_type>());
  }
  FieldValue defs_ = FieldValue::Record{};
};

}  // namespace schema_detail

template <DescribedEvent T>
std::string json_schema() {
  schema_detail::Builder builder;
  builder.describe<T>();
  return schema_detail::finish(schema_id<T>(), event_topic<T>(), builder.take_defs());
}

}  // namespace headrace::wire
