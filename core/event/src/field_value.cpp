#include "headrace/event/field_value.hpp"

#include <algorithm>
#include <array>

namespace headrace {

FieldValue::FieldValue(List value) noexcept : value_(std::move(value)) {}
FieldValue::FieldValue(Record value) noexcept : value_(std::move(value)) {}
FieldValue::FieldValue(const FieldValue&) = default;
FieldValue::FieldValue(FieldValue&&) noexcept = default;
FieldValue& FieldValue::operator=(const FieldValue&) = default;
FieldValue& FieldValue::operator=(FieldValue&&) noexcept = default;
FieldValue::~FieldValue() = default;

bool operator==(const FieldValue& a, const FieldValue& b) noexcept { return a.value_ == b.value_; }

std::string_view FieldValue::kind() const noexcept {
  constexpr std::array<std::string_view, 9> kNames{"nothing", "a boolean", "an integer", "an integer", "a number",
                                                   "text",    "bytes",     "a list",     "a record"};
  return kNames[value_.index()];
}

const FieldValue* FieldValue::find(std::string_view name) const noexcept {
  const Record* record = as<Record>();
  if (record == nullptr) return nullptr;
  const auto at = std::ranges::find(*record, name, &NamedField::name);
  return at == record->end() ? nullptr : &at->value;
}

FieldValue* FieldValue::find(std::string_view name) noexcept {
  return const_cast<FieldValue*>(static_cast<const FieldValue*>(this)->find(name));
}

FieldValue& FieldValue::set(std::string_view name, FieldValue value) {
  if (FieldValue* old = find(name)) return *old = std::move(value);
  if (as<Record>() == nullptr) value_ = Record{};
  return as<Record>()->emplace_back(NamedField{std::string(name), std::move(value)}).value;
}

bool FieldValue::remove(std::string_view name) noexcept {
  Record* record = as<Record>();
  return record != nullptr && std::erase_if(*record, [&](const NamedField& f) { return f.name == name; }) > 0;
}

bool FieldValue::rename(std::string_view from, std::string_view to) {
  Record* record = as<Record>();
  if (record == nullptr || find(to) != nullptr) return false;
  const auto at = std::ranges::find(*record, from, &NamedField::name);
  if (at == record->end()) return false;
  at->name = to;
  return true;
}

}  // namespace headrace
