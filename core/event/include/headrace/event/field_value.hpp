#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace headrace {

class FieldValue;

/// A template, so that it is made only where FieldValue is complete: some compilers look into a variant's members
/// early.
template <class Value>
struct NamedFieldOf {
  std::string name;
  Value value;
  friend bool operator==(const NamedFieldOf&, const NamedFieldOf&) = default;
};
/// One field of a record.
using NamedField = NamedFieldOf<FieldValue>;

/// An event's content without its type: what codecs read and write, and what upcasters change. A tree of nothing,
/// booleans, numbers, texts, bytes, lists and records. A record keeps its fields in the order in which they were
/// added.
///
/// Integers have one form each, so that equal numbers compare equal: std::int64_t where they fit, else
/// std::uint64_t.
class FieldValue {
 public:
  using Bytes = std::vector<std::byte>;
  using List = std::vector<FieldValue>;
  using Record = std::vector<NamedField>;

  // What builds the variant stands below the class, which it must know whole.
  FieldValue() noexcept;
  FieldValue(bool value) noexcept;
  FieldValue(double value) noexcept;
  template <std::integral Integer>
  requires(!std::same_as<Integer, bool>) FieldValue(Integer value)
  noexcept {
    if (std::in_range<std::int64_t>(value)) {
      value_ = static_cast<std::int64_t>(value);
    } else {
      value_ = static_cast<std::uint64_t>(value);
    }
  }
  FieldValue(std::string value) noexcept;
  FieldValue(std::string_view value);
  FieldValue(const char* value);
  FieldValue(Bytes value) noexcept;
  FieldValue(List value) noexcept;
  FieldValue(Record value) noexcept;
  FieldValue(const FieldValue&);
  FieldValue(FieldValue&&) noexcept;
  FieldValue& operator=(const FieldValue&);
  FieldValue& operator=(FieldValue&&) noexcept;
  ~FieldValue();

  [[nodiscard]] bool is_nothing() const noexcept;
  /// `text`, `integer`, …: for messages.
  [[nodiscard]] std::string_view kind() const noexcept;

  /// The alternative asked for, or nullptr.
  template <class T>
  [[nodiscard]] T* as() noexcept {
    return std::get_if<T>(&value_);
  }
  template <class T>
  [[nodiscard]] const T* as() const noexcept {
    return std::get_if<T>(&value_);
  }
  /// An integer that the type can hold; nothing for other values, so also for 1.0.
  template <std::integral Integer>
  [[nodiscard]] std::optional<Integer> integer() const noexcept {
    if (const auto* value = as<std::int64_t>(); value != nullptr && std::in_range<Integer>(*value)) {
      return static_cast<Integer>(*value);
    }
    if (const auto* value = as<std::uint64_t>(); value != nullptr && std::in_range<Integer>(*value)) {
      return static_cast<Integer>(*value);
    }
    return std::nullopt;
  }
  [[nodiscard]] bool is_integer() const noexcept;

  /// A record's field; nullptr when this is no record or has no such field.
  [[nodiscard]] FieldValue* find(std::string_view name) noexcept;
  [[nodiscard]] const FieldValue* find(std::string_view name) const noexcept;
  /// Sets a record's field, the old one's place kept. What is no record becomes one.
  FieldValue& set(std::string_view name, FieldValue value);
  /// False if there was none.
  bool remove(std::string_view name) noexcept;
  /// False, and nothing changed, if there is none of the old name or one of the new.
  bool rename(std::string_view from, std::string_view to);

  /// Calls with the alternative held.
  template <class Visitor>
  decltype(auto) visit(Visitor&& visitor) const {
    return std::visit(std::forward<Visitor>(visitor), value_);
  }

  friend bool operator==(const FieldValue&, const FieldValue&) noexcept;

 private:
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, Bytes, List, Record> value_;
};

inline FieldValue::FieldValue() noexcept = default;
inline FieldValue::FieldValue(bool value) noexcept : value_(value) {}
inline FieldValue::FieldValue(double value) noexcept : value_(value) {}
inline FieldValue::FieldValue(std::string value) noexcept : value_(std::move(value)) {}
inline FieldValue::FieldValue(std::string_view value) : value_(std::string(value)) {}
inline FieldValue::FieldValue(const char* value) : value_(std::string(value)) {}
inline FieldValue::FieldValue(Bytes value) noexcept : value_(std::move(value)) {}
inline bool FieldValue::is_nothing() const noexcept { return as<std::monostate>() != nullptr; }
inline bool FieldValue::is_integer() const noexcept {
  return as<std::int64_t>() != nullptr || as<std::uint64_t>() != nullptr;
}

}  // namespace headrace
